import { expect, test } from 'vitest'
import { loadShard } from '../../../broker/coordinator/load-shard.ts'
import type { ShardKind } from '../../../broker/coordinator/shard-kind.ts'
import { buildBatch, buildEndTransactionMarker, ProtocolError } from '../../../protocol/index.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeShardLog } from '../../support/fake-shard-log.ts'

const kind: ShardKind<string[], string> = {
  create: () => [],
  decode(key) {
    const text = key?.toString() ?? ''
    if (text === 'damaged') throw new ProtocolError('It is damaged.')
    return text === 'unknown' ? null : text
  },
  encode: entry => ({ key: Buffer.from(entry), value: null }),
  apply: (state, entry, { producerId }) => state.push(producerId < 0 ? entry : `${entry} of ${producerId}`),
  applyMarker: (state, producerId, outcome) => state.push(`${outcome} ${producerId}`),
  loaded: () => ({}),
}

function append(
  log: FakeShardLog,
  keys: readonly string[],
  options: { producerId?: number; compressed?: boolean } = {},
) {
  const { producerId, compressed = false } = options
  log.append(
    buildBatch({
      records: keys.map(key => ({ key: Buffer.from(key), value: Buffer.from('v'), timestamp: 1 })),
      compression: compressed ? 'lz4' : 'none',
      ...(producerId === undefined ? {} : { producerId, producerEpoch: 0, isTransactional: true }),
    }),
  )
}

function load(
  log: FakeShardLog,
  options: { sliceBytes?: number; beforeBatch?: (endOffset: number) => void; signal?: AbortSignal } = {},
) {
  const state: string[] = []
  const { sliceBytes = 100, beforeBatch = () => undefined, signal = new AbortController().signal } = options
  const loaded = loadShard({
    kind,
    state,
    log,
    clock: systemClock,
    logger: silentLogger,
    sliceBytes,
    beforeBatch,
    signal,
  })
  return { state, loaded }
}

test('every record is applied once, in order, whatever the slices', async () => {
  const log = new FakeShardLog()
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
  for (let at = 0; at < 40; at += 4) append(log, keys.slice(at, at + 4), { compressed: at % 8 === 0 })
  for (const sliceBytes of [1, 100, 300, 1_000_000]) {
    const { state, loaded } = load(log, { sliceBytes })
    expect(await loaded).toEqual({ complete: true, records: 40, passedOver: 0 })
    expect(state).toEqual(keys)
  }
})

test('markers end the transactions that were read before them', async () => {
  const log = new FakeShardLog()
  append(log, ['a'], { producerId: 7 })
  append(log, ['b'])
  log.append(
    buildEndTransactionMarker({
      outcome: 'abort',
      producerId: 7,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: 1,
    }),
  )
  const { state, loaded } = load(log)
  await loaded
  expect(state).toEqual(['a of 7', 'b', 'abort 7'])
})

test('records below the log start, in a batch that reaches over it, are left out', async () => {
  const log = new FakeShardLog()
  append(log, ['a', 'b', 'c'])
  log.startOffset = 2
  const { state, loaded } = load(log)
  await loaded
  expect(state).toEqual(['c'])
})

test('what makes no sense is counted and passed over', async () => {
  const log = new FakeShardLog()
  append(log, ['a', 'damaged', 'unknown', 'b'])
  const { state, loaded } = load(log)
  expect(await loaded).toEqual({ complete: true, records: 4, passedOver: 2 })
  expect(state).toEqual(['a', 'b'])
})

test('each batch is announced with its end before it is applied', async () => {
  const log = new FakeShardLog()
  append(log, ['a', 'b'])
  append(log, ['c'])
  const told: string[] = []
  const { state, loaded } = load(log, { beforeBatch: end => told.push(`${end} after ${state.length}`) })
  await loaded
  expect(told).toEqual(['2 after 0', '3 after 2'])
})

test('a load that is not wanted any more ends early', async () => {
  const log = new FakeShardLog()
  for (let index = 0; index < 10; index++) append(log, ['x'.repeat(100)])
  const controller = new AbortController()
  const { state, loaded } = load(log, {
    signal: controller.signal,
    beforeBatch: end => {
      if (end === 3) controller.abort()
    },
  })
  expect((await loaded).complete).toBe(false)
  expect(state.length).toBeLessThan(5)
})

test('a log that cannot be read fails the load', async () => {
  const log = new FakeShardLog()
  append(log, ['a'])
  log.readFailure = new Error('The disk is on fire.')
  await expect(load(log).loaded).rejects.toThrow('on fire')
})

test('what is appended while the last slice is applied is loaded too', async () => {
  const log = new FakeShardLog()
  append(log, ['a'])
  append(log, ['b'])
  const { state, loaded } = load(log, {
    sliceBytes: 1_000_000,
    beforeBatch: end => {
      if (end === 2) append(log, ['c'])
    },
  })
  expect(await loaded).toEqual({ complete: true, records: 3, passedOver: 0 })
  expect(state).toEqual(['a', 'b', 'c'])
})

test('the next slice is read while one is applied, and never more than one', async () => {
  const log = new FakeShardLog()
  for (const key of ['a', 'b', 'c', 'd']) append(log, [key])
  const asked: number[] = []
  const read = log.read.bind(log)
  log.read = (offset, maxBytes) => {
    asked.push(offset)
    return read(offset, maxBytes)
  }
  const askedBefore: number[] = []
  const { loaded } = load(log, { sliceBytes: 1, beforeBatch: () => askedBefore.push(asked.length) })
  await loaded
  expect(asked).toEqual([0, 1, 2, 3])
  expect(askedBefore).toEqual([2, 3, 4, 4])
})

test('a damaged batch fails the load', async () => {
  const log = new FakeShardLog()
  append(log, ['a'])
  append(log, ['b'])
  log.batches[1]!.writeInt8(9, 16)
  await expect(load(log).loaded).rejects.toThrow('magic 9')
})
