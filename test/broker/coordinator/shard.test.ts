import { expect, test } from 'vitest'
import type { Decision, ShardKind } from '../../../broker/coordinator/shard-kind.ts'
import { Shard } from '../../../broker/coordinator/shard.ts'
import type { Timeline, TimelineMap } from '../../../broker/coordinator/timeline.ts'
import {
  buildBatch,
  buildEndTransactionMarker,
  type ErrorName,
  ProtocolError,
} from '../../../protocol/index.ts'
import { EndOfTurn } from '../../../runtime/end-of-turn.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeShardLog } from '../../support/fake-shard-log.ts'
import { until } from '../../support/until.ts'

/** A register of names: the smallest thing that is worth a shard. */
interface Names {
  readonly values: TimelineMap<string, string>
  readonly pending: Map<number, Entry[]>
}

interface Entry {
  readonly name: string
  readonly value: string | null
}

const kind: ShardKind<Names, Entry> = {
  create: (timeline: Timeline) => ({ values: timeline.map(), pending: new Map() }),
  decode(key, value) {
    const name = key?.toString() ?? ''
    if (name === 'damaged') throw new ProtocolError('It is damaged.')
    return name === 'unknown' ? null : { name, value: value?.toString() ?? null }
  },
  encode: ({ name, value }) => ({
    key: Buffer.from(name),
    value: value === null ? null : Buffer.from(value),
  }),
  apply(state, entry, { producerId }) {
    if (producerId >= 0) state.pending.set(producerId, [...(state.pending.get(producerId) ?? []), entry])
    else if (entry.value === null) state.values.delete(entry.name)
    else state.values.set(entry.name, entry.value)
  },
  applyMarker(state, producerId, outcome) {
    for (const { name, value } of state.pending.get(producerId) ?? []) {
      if (outcome === 'commit' && value !== null) state.values.set(name, value)
    }
    state.pending.delete(producerId)
  },
  loaded: () => ({}),
}

function setUp(log = new FakeShardLog(), clock = new FakeClock()) {
  const turn = new EndOfTurn(() => undefined)
  const shard = new Shard({
    kind,
    log,
    epoch: 1,
    clock,
    turn,
    logger: silentLogger,
    writeTimeoutMs: () => 5000,
    loadSliceBytes: () => 1000,
    compression: () => 'none',
  })
  const said: string[] = []
  const run = (label: string, decide: (state: Names) => Decision<Names, Entry, string>): void =>
    shard.run({
      decide,
      answer: response => said.push(`${label}: ${response}`),
      fail: error => said.push(`${label} failed: ${error}`),
    })
  const set = (name: string, value: string): void =>
    run(`set ${name}`, () => ({ records: [{ name, value }], response: value }))
  const get = (name: string): void =>
    run(`get ${name}`, state => ({ response: state.values.get(name) ?? 'nothing' }))
  const answered = (): string[] => said.splice(0)
  return { clock, log, turn, shard, run, set, get, answered }
}

async function started(log = new FakeShardLog(), clock = new FakeClock()) {
  const parts = setUp(log, clock)
  await until(() => parts.shard.status === 'active', 'the shard has loaded')
  return parts
}

test('the commands of a turn are written in one batch, and answered when it is replicated', async () => {
  const { log, turn, set, get, answered } = await started()
  log.commitsAtOnce = false
  set('a', '1')
  set('b', '2')
  get('a')
  expect(answered()).toEqual([])
  turn.flush()
  expect(log.views.map(({ recordCount }) => recordCount)).toEqual([2])
  expect(answered()).toEqual([])
  log.commit()
  expect(answered()).toEqual(['set a: 1', 'set b: 2', 'get a: 1'])
})

test('a command without records is answered at once when all is replicated', async () => {
  const { get, answered } = await started()
  get('a')
  expect(answered()).toEqual(['get a: nothing'])
})

test('readers see the committed side of the state only', async () => {
  const { log, turn, shard, set } = await started()
  log.commitsAtOnce = false
  set('a', '1')
  turn.flush()
  expect(shard.state?.values.get('a')).toBe('1')
  expect(shard.state?.values.committed('a')).toBeUndefined()
  log.commit()
  expect(shard.state?.values.committed('a')).toBe('1')
})

test('a load brings back what was written, tombstones and transactions included', async () => {
  const { log, turn, set, run } = await started()
  set('a', '1')
  set('b', '2')
  turn.flush()
  run('delete a', () => ({ records: [{ name: 'a', value: null }], response: 'gone' }))
  turn.flush()
  for (const [producerId, outcome] of [
    [7, 'commit'],
    [8, 'abort'],
  ] as const) {
    const transaction = { producerId, producerEpoch: 0 }
    run('in a transaction', () => ({
      records: [{ name: `by ${producerId}`, value: 'x' }],
      transaction,
      response: 'ok',
    }))
    log.append(
      buildEndTransactionMarker({
        outcome,
        producerId,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        timestampMs: 1,
      }),
    )
  }
  const again = await started(log.reopened())
  expect(Object.fromEntries(again.shard.state!.values.entries())).toEqual({ b: '2', 'by 7': 'x' })
  expect(again.log.views.map(({ isTransactional }) => isTransactional)).toEqual([
    false,
    false,
    true,
    true,
    true,
    true,
  ])
})

test('damaged and unknown records are passed over at load', async () => {
  const log = new FakeShardLog()
  const names = ['a', 'damaged', 'unknown', 'b']
  log.append(
    buildBatch({
      records: names.map(key => ({ key: Buffer.from(key), value: Buffer.from('1'), timestamp: 1 })),
    }),
  )
  const { shard } = await started(log)
  expect([...shard.state!.values.keys()]).toEqual(['a', 'b'])
})

test('what is found at load and not yet replicated is not shown to readers, and holds answers back', async () => {
  const first = await started()
  first.log.commitsAtOnce = false
  first.set('a', '1')
  first.turn.flush()
  const { log, shard, get, answered } = await started(first.log.reopened())
  get('a')
  expect(answered()).toEqual([])
  expect(shard.state?.values.committed('a')).toBeUndefined()
  log.commit()
  expect(answered()).toEqual(['get a: 1'])
  expect(shard.state?.values.committed('a')).toBe('1')
})

test('while it loads a shard asks its clients to come again', async () => {
  const { shard, get, answered } = setUp()
  get('a')
  expect(shard.status).toBe('loading')
  expect(answered()).toEqual(['get a failed: COORDINATOR_LOAD_IN_PROGRESS'])
  await until(() => shard.status === 'active', 'the shard has loaded')
})

test('a shard that cannot be loaded is no coordinator', async () => {
  const log = new FakeShardLog()
  log.append(buildBatch({ records: [{ key: Buffer.from('a'), value: null, timestamp: 1 }] }))
  log.readFailure = new Error('The disk is on fire.')
  const { shard, get, answered } = setUp(log)
  await until(() => shard.status === 'failed', 'the load has failed')
  get('a')
  expect(answered()).toEqual(['get a failed: NOT_COORDINATOR'])
})

test('closed while it loads, a shard never becomes active', async () => {
  const log = new FakeShardLog()
  log.append(buildBatch({ records: [{ key: Buffer.from('a'), value: null, timestamp: 1 }] }))
  const { shard } = setUp(log)
  shard.close()
  await until(() => !log.isWatched, 'nothing watches the log')
  await new Promise(resolve => setImmediate(resolve))
  expect(shard.status).toBe('closed')
  expect(shard.state).toBeUndefined()
})

test.each<[ErrorName, ErrorName]>([
  ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
  ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
  ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
])('when the log refuses with %s nothing changes and the client is told %s', async (refusal, told) => {
  const { log, turn, shard, set, answered } = await started()
  log.refuses = refusal
  set('a', '1')
  turn.flush()
  expect(answered()).toEqual([`set a failed: ${told}`])
  expect(shard.state?.values.has('a')).toBe(false)
  expect(log.batches).toEqual([])
})

test('a command can say what happens in the place of records that cannot be written', async () => {
  const { log, shard, run, answered } = await started()
  log.refuses = 'NOT_ENOUGH_REPLICAS'
  run('set a', () => ({
    records: [{ name: 'a', value: '1' }],
    response: 'written',
    ifRefused: error => ({ response: `instead of ${error}` }),
  }))
  expect(answered()).toEqual(['set a: instead of COORDINATOR_NOT_AVAILABLE'])
  expect(shard.state?.values.size).toBe(0)
})

test('a batch that the log refuses after all drops the state, which is loaded anew', async () => {
  const { log, turn, shard, set, get, answered } = await started()
  set('a', '1')
  turn.flush()
  answered()
  set('a', '2')
  get('a')
  log.failsAppends = 'NOT_ENOUGH_REPLICAS'
  turn.flush()
  expect(answered()).toEqual([
    'set a failed: COORDINATOR_NOT_AVAILABLE',
    'get a failed: COORDINATOR_NOT_AVAILABLE',
  ])
  log.failsAppends = null
  await until(() => shard.status === 'active', 'the shard has loaded again')
  get('a')
  expect(answered()).toEqual(['get a: 1'])
})

test('records that belong together and fit no batch are refused; independent ones are spread over several', async () => {
  const { log, turn, run, answered } = await started()
  log.mostBatchBytes = 1000
  const records = Array.from({ length: 10 }, (_, index) => ({ name: `n${index}`, value: 'x'.repeat(200) }))
  run('together', () => ({ records, response: 'ok' }))
  run('apart', () => ({ records, independent: true, response: 'ok' }))
  turn.flush()
  expect(answered()).toEqual(['together failed: UNKNOWN_SERVER_ERROR', 'apart: ok'])
  expect(log.views.map(({ recordCount }) => recordCount)).toEqual([4, 4, 2])
  for (const { sizeInBytes } of log.views) expect(sizeInBytes).toBeLessThanOrEqual(1000)
})

test('an answer that waits too long for replication fails, and the record stays', async () => {
  const { clock, log, turn, shard, set, answered } = await started()
  log.commitsAtOnce = false
  set('a', '1')
  turn.flush()
  clock.advance(4999)
  expect(answered()).toEqual([])
  clock.advance(1)
  expect(answered()).toEqual(['set a failed: COORDINATOR_NOT_AVAILABLE'])
  expect(shard.state?.values.get('a')).toBe('1')
  log.commit()
  expect(answered()).toEqual([])
})

test('who is parked is answered by a later command, or told when leadership goes', async () => {
  const { log, turn, shard, run, answered } = await started()
  run('b waits', () => ({ effects: [{ kind: 'park', call: 'b' }] }))
  run('c waits', () => ({ effects: [{ kind: 'park', call: 'c' }] }))
  run('a', () => ({
    records: [{ name: 'a', value: '1' }],
    effects: [{ kind: 'answer', call: 'b', response: 'here you are' }],
    response: 'done',
  }))
  expect(answered()).toEqual([])
  turn.flush()
  expect(answered()).toEqual(['b waits: here you are', 'a: done'])
  shard.close()
  expect(answered()).toEqual(['c waits failed: NOT_COORDINATOR'])
  expect(log.isWatched).toBe(false)
})

test('a lost disk ends the shard: everybody is told to look elsewhere', async () => {
  const { log, turn, shard, set, get, answered } = await started()
  log.commitsAtOnce = false
  set('a', '1')
  turn.flush()
  log.refuses = 'KAFKA_STORAGE_ERROR'
  log.moved()
  expect(answered()).toEqual(['set a failed: NOT_COORDINATOR'])
  expect(shard.status).toBe('failed')
  get('a')
  expect(answered()).toEqual(['get a failed: NOT_COORDINATOR'])
})

test('timers run events, which are tried again when their records cannot be written', async () => {
  const { clock, log, turn, shard, run } = await started()
  run('later', () => ({
    effects: [
      {
        kind: 'schedule',
        timer: 't',
        afterMs: 100,
        event: () => ({ records: [{ name: 'a', value: 'timed' }] }),
      },
    ],
    response: 'ok',
  }))
  log.refuses = 'NOT_ENOUGH_REPLICAS'
  clock.advance(100)
  expect(shard.state?.values.has('a')).toBe(false)
  log.refuses = null
  clock.advance(500)
  turn.flush()
  expect(shard.state?.values.get('a')).toBe('timed')
  expect(clock.pendingTimers).toBeLessThanOrEqual(1)
})

test('a timer that must not be replaced is left as it is, and a closed shard has none', async () => {
  const { clock, shard, run } = await started()
  const schedule = (afterMs: number, value: string) =>
    ({
      kind: 'schedule',
      timer: 't',
      afterMs,
      ifAbsent: true,
      event: () => ({ records: [{ name: 'a', value }] }),
    }) as const
  run('first', () => ({ effects: [schedule(100, 'first')], response: 'ok' }))
  run('second', () => ({ effects: [schedule(10, 'second')], response: 'ok' }))
  clock.advance(50)
  expect(shard.state?.values.has('a')).toBe(false)
  clock.advance(50)
  expect(shard.state?.values.get('a')).toBe('first')
  run('third', () => ({ effects: [schedule(10, 'third')], response: 'ok' }))
  shard.close()
  expect(clock.pendingTimers).toBe(0)
})
