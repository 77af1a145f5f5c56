import { expect, test } from 'vitest'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch, aLog, append, appendedTo, firstOffset, readAll } from '../../support/a-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

test('offsets are given out at once and readable when the turn has ended', () => {
  const { log, turn } = aLog()
  const written: number[] = []
  log.onWritten({
    written: offset => written.push(offset),
    refused: () => undefined,
    failed: () => undefined,
  })
  expect(appendedTo(log, aBatch(3))).toMatchObject({ baseOffset: 0, lastOffset: 2 })
  expect(appendedTo(log, aBatch(2))).toMatchObject({ baseOffset: 3, lastOffset: 4 })
  expect([log.nextOffset, log.logEndOffset, written]).toEqual([5, 0, []])
  turn.flush()
  expect([log.nextOffset, log.logEndOffset, written]).toEqual([5, 5, [5]])
})

test('all small batches of a turn cost one write', () => {
  const { log, turn, disk } = aLog()
  for (let count = 0; count < 20; count++) appendedTo(log, aBatch(10))
  expect(disk.counts.get('write') ?? 0).toBe(0)
  turn.flush()
  expect(disk.counts.get('write')).toBe(1)
})

test('a large batch is written at once, behind what was staged before it, and told of at the end of the turn', () => {
  const { log, turn, disk } = aLog()
  const written: number[] = []
  log.onWritten({
    written: offset => written.push(offset),
    refused: () => undefined,
    failed: () => undefined,
  })
  appendedTo(log, aBatch(1))
  appendedTo(log, aBatch(['x'.repeat(700_000)]))
  // The staged one, then 512 KiB and the rest.
  expect(disk.counts.get('write')).toBe(3)
  expect([log.logEndOffset, written]).toEqual([2, []])
  appendedTo(log, aBatch(1))
  turn.flush()
  expect(written).toEqual([3])
  const bytes = readAll(log)
  expect(firstOffset(bytes)).toBe(0)
  expect(bytes.length).toBe(log.sizeInBytes)
})

test('more than fits the staging buffer in one turn keeps its order', () => {
  const { log, turn } = aLog()
  for (let count = 0; count < 40; count++) appendedTo(log, aBatch([`${count}`.padEnd(30_000)]))
  turn.flush()
  const bytes = readAll(log)
  let at = 0
  for (let offset = 0; offset < 40; offset++) {
    const batch = new RecordBatchView(bytes, at)
    expect(batch.baseOffset).toBe(offset)
    expect(batch.recordsBytes.includes(Buffer.from(`${offset} `))).toBe(true)
    at += batch.sizeInBytes
  }
})

test('base offset and leader epoch are set in the bytes', () => {
  const harness = aLog()
  append(harness, aBatch(3), { leaderEpoch: 4 })
  append(harness, aBatch(3), { leaderEpoch: 5 })
  const bytes = readAll(harness.log)
  const second = new RecordBatchView(bytes, new RecordBatchView(bytes).sizeInBytes)
  expect([second.baseOffset, second.partitionLeaderEpoch, second.isValidCrc()]).toEqual([3, 5, true])
  expect(harness.log.leaderEpochs.entries).toEqual([
    { epoch: 4, startOffset: 0 },
    { epoch: 5, startOffset: 3 },
  ])
})

test('a batch that is sent again is answered with its first offsets and not written', () => {
  const harness = aLog()
  const batch = (): Buffer => aBatch(3, { producerId: 9, producerEpoch: 0, baseSequence: 0 })
  append(harness, aBatch(2))
  append(harness, batch())
  expect(harness.log.appendAsLeader(batch(), client)).toMatchObject({
    kind: 'duplicate',
    baseOffset: 2,
    lastOffset: 4,
  })
  expect(harness.log.nextOffset).toBe(5)
})

test('a batch of the same turn is already known when the next one is checked', () => {
  const { log } = aLog()
  const producer = { producerId: 9, producerEpoch: 0 }
  appendedTo(log, aBatch(3, { ...producer, baseSequence: 0 }))
  expect(appendedTo(log, aBatch(3, { ...producer, baseSequence: 0 })).kind).toBe('duplicate')
  expect(appendedTo(log, aBatch(3, { ...producer, baseSequence: 3 })).kind).toBe('appended')
  const gap = log.appendAsLeader(aBatch(1, { ...producer, baseSequence: 9 }), client)
  expect(gap).toMatchObject({ kind: 'refused', error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  expect(log.nextOffset).toBe(6)
})

test("the broker's time is answered where the topic keeps append times", () => {
  const { log, clock } = aLog({ 'message.timestamp.type': 'LogAppendTime' })
  expect(appendedTo(log, aBatch(1)).logAppendTimeMs).toBe(clock.nowMs())
})

test('a disk that is too full refuses clients with a sentence and lets coordinators write', () => {
  const { log } = aLog({}, { isWritable: () => false })
  const outcome = log.appendAsLeader(aBatch(1), client)
  expect(outcome).toMatchObject({ kind: 'refused', error: 'KAFKA_STORAGE_ERROR' })
  expect(outcome.kind === 'refused' && outcome.message).toContain('too full')
  expect(log.appendAsLeader(aBatch(1), { leaderEpoch: 0, origin: 'coordinator' }).kind).toBe('appended')
})
