import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShardWriter } from '../../../broker/coordinator/shard-writer.ts'
import { decodeRecords, type ErrorName } from '../../../protocol/index.ts'
import { EndOfTurn } from '../../../runtime/end-of-turn.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeShardLog } from '../../support/fake-shard-log.ts'

function setUp(compression: 'none' | 'gzip' = 'none') {
  const log = new FakeShardLog()
  const turn = new EndOfTurn(() => undefined)
  const appended: [number, number][] = []
  const refused: ErrorName[] = []
  const opened: number[] = []
  const writer = new ShardWriter({
    log,
    clock: new FakeClock(),
    turn,
    compression: () => compression,
    opened: sequence => opened.push(sequence),
    appended: (sequence, endOffset) => appended.push([sequence, endOffset]),
    refused: error => refused.push(error),
  })
  const take = (sizes: readonly number[], independent = false, producerId?: number): ErrorName | null =>
    writer.take(
      sizes.map(size => ({ key: Buffer.from('k'), value: Buffer.alloc(size) })),
      { independent, transaction: producerId === undefined ? undefined : { producerId, producerEpoch: 3 } },
    )
  return { log, turn, writer, take, appended, refused, opened }
}

test('writes are numbered by batch, and each tells where it ends', () => {
  const { turn, take, appended, opened } = setUp()
  take([1, 1])
  take([1])
  turn.flush()
  take([1])
  turn.flush()
  expect(opened).toEqual([1, 2])
  expect(appended).toEqual([
    [1, 3],
    [2, 4],
  ])
})

test('records of a transaction get a batch of their own, between those before and after', () => {
  const { log, turn, take } = setUp()
  take([1])
  take([1, 1], false, 7)
  take([1])
  turn.flush()
  expect(
    log.views.map(({ producerId, producerEpoch, baseSequence, isTransactional, recordCount }) => ({
      producerId,
      producerEpoch,
      baseSequence,
      isTransactional,
      recordCount,
    })),
  ).toEqual([
    { producerId: -1, producerEpoch: -1, baseSequence: -1, isTransactional: false, recordCount: 1 },
    { producerId: 7, producerEpoch: 3, baseSequence: -1, isTransactional: true, recordCount: 2 },
    { producerId: -1, producerEpoch: -1, baseSequence: -1, isTransactional: false, recordCount: 1 },
  ])
})

test('a batch is packed as the topic says', () => {
  const { log, turn, take } = setUp('gzip')
  take([10_000])
  turn.flush()
  expect(log.views[0]?.compression).toBe('gzip')
  expect(log.views[0]?.sizeInBytes).toBeLessThan(1000)
})

test('what was discarded is not written', () => {
  const { log, turn, writer, take } = setUp()
  take([1])
  writer.discard()
  turn.flush()
  expect(log.batches).toEqual([])
})

test('no batch is larger than the topic takes, whatever comes, and what belongs together stays so', () => {
  const commands = fc.array(
    fc.record({ sizes: fc.array(fc.nat(900), { minLength: 1, maxLength: 8 }), independent: fc.boolean() }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(commands, given => {
      const { log, turn, take } = setUp()
      log.mostBatchBytes = 1500
      const expected: number[][] = []
      for (const { sizes, independent } of given) {
        const error = take(sizes, independent)
        if (error === null) expected.push(...(independent ? sizes.map(size => [size]) : [sizes]))
        else expect(error).toBe('MESSAGE_TOO_LARGE')
      }
      turn.flush()
      const written = log.views.map(view =>
        [...decodeRecords(view, { maxDecompressedBytes: 1e6 })].map(({ value }) => value?.length ?? 0),
      )
      for (const { sizeInBytes } of log.views) expect(sizeInBytes).toBeLessThanOrEqual(1500)
      expect(written.flat()).toEqual(expected.flat())
      const ends = new Set<number>()
      let end = 0
      for (const batch of written) ends.add((end += batch.length))
      let at = 0
      for (const together of expected) {
        for (let inside = at + 1; inside < at + together.length; inside++)
          expect(ends.has(inside)).toBe(false)
        at += together.length
      }
    }),
  )
})
