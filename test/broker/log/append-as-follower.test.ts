import { expect, test } from 'vitest'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch, aLog, append, bytesOf, firstOffset, readAll, type LogHarness } from '../../support/a-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

function leaderBytes(): { bytes: Buffer; harness: LogHarness } {
  const harness = aLog({ 'index.interval.bytes': 100 })
  append(harness, aBatch(3), { leaderEpoch: 1 })
  append(harness, aBatch(2, { producerId: 5, producerEpoch: 0, baseSequence: 0 }), { leaderEpoch: 1 })
  append(harness, aBatch(4), { leaderEpoch: 3 })
  return { bytes: readAll(harness.log), harness }
}

test('bytes, epochs and producers become those of the leader', () => {
  const { bytes, harness: leader } = leaderBytes()
  const { log, turn } = aLog()
  expect(log.appendAsFollower(Buffer.from(bytes))).toMatchObject({
    kind: 'appended',
    baseOffset: 0,
    lastOffset: 8,
  })
  turn.flush()
  expect(readAll(log)).toEqual(bytes)
  expect(log.leaderEpochs.entries).toEqual(leader.log.leaderEpochs.entries)
  const again = aBatch(2, { producerId: 5, producerEpoch: 0, baseSequence: 0 })
  expect(log.appendAsLeader(again, client)).toMatchObject({ kind: 'duplicate', baseOffset: 3 })
})

test('a part of a batch at the end is left out', () => {
  const { bytes } = leaderBytes()
  const { log, turn } = aLog()
  log.appendAsFollower(bytes.subarray(0, bytes.length - 10))
  turn.flush()
  expect(log.logEndOffset).toBe(5)
})

test('batches of a later epoch than was asked for are left out', () => {
  const { bytes } = leaderBytes()
  const { log, turn } = aLog()
  log.appendAsFollower(bytes, { leaderEpoch: 2 })
  turn.flush()
  expect(log.logEndOffset).toBe(5)
})

test('a damaged batch refuses all of it', () => {
  const { bytes } = leaderBytes()
  bytes[bytes.length - 1]! ^= 1
  const { log } = aLog()
  expect(log.appendAsFollower(bytes)).toMatchObject({ kind: 'refused', error: 'CORRUPT_MESSAGE' })
  expect(log.nextOffset).toBe(0)
})

test('offsets that are there already are refused', () => {
  const { bytes } = leaderBytes()
  const { log, turn } = aLog()
  log.appendAsFollower(Buffer.from(bytes))
  turn.flush()
  expect(log.appendAsFollower(bytes)).toMatchObject({ kind: 'refused' })
})

test('a replica that begins in the middle of a batch takes the batch and keeps its log start', () => {
  const { bytes } = leaderBytes()
  const { log, turn } = aLog()
  log.truncateFullyAndStartAt(4)
  const second = bytes.subarray(new RecordBatchView(bytes).sizeInBytes)
  expect(log.appendAsFollower(second)).toMatchObject({ kind: 'appended', baseOffset: 3, lastOffset: 8 })
  turn.flush()
  expect([log.logStartOffset, log.logEndOffset, log.segments[0]?.baseOffset]).toEqual([4, 9, 3])
  expect(firstOffset(bytesOf(log.read({ offset: 4, maxBytes: 1e6, minOneBatch: true, upTo: 9 })))).toBe(3)
})

test('one fetch may go to several segments', () => {
  const leader = aLog()
  for (let count = 0; count < 30; count++) append(leader, aBatch(['v'.repeat(100)]))
  const bytes = readAll(leader.log)
  const follower = aLog({ 'segment.bytes': 1000 })
  follower.log.appendAsFollower(Buffer.from(bytes))
  follower.turn.flush()
  expect(follower.log.segments.length).toBeGreaterThan(3)
  expect(readAll(follower.log)).toEqual(bytes)
})
