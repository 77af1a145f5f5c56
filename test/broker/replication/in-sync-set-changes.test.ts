import { expect, test } from 'vitest'
import {
  type InSyncSetAnswer,
  type InSyncSetAuthority,
  InSyncSetChanges,
} from '../../../broker/replication/in-sync-set-changes.ts'
import type { ErrorName } from '../../../protocol/index.ts'
import { EndOfTurn } from '../../../runtime/end-of-turn.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

type Asked = Parameters<InSyncSetAuthority['alterPartition']>[0]

/** Changes on a controller that answers each request as the test has laid out, by partition. */
function setUp() {
  const clock = new FakeClock()
  const turn = new EndOfTurn(() => undefined)
  const requests: Asked[] = []
  const outcomes: string[] = []
  const answers = new Map<number, ErrorName>()
  let top: ErrorName = 'NONE'
  let brokerEpoch: number | undefined = 9
  let hold: Promise<void> = Promise.resolve()
  const changes = new InSyncSetChanges({
    authority: {
      async alterPartition(asked) {
        requests.push(asked)
        await hold
        if (top !== 'NONE') return { error: top, message: null, partitions: [] }
        return {
          error: 'NONE',
          message: null,
          partitions: asked.partitions.map(({ partitionIndex }): InSyncSetAnswer => {
            const error = answers.get(partitionIndex) ?? 'NONE'
            return { error, message: null, leaderEpoch: 1, isr: [1], partitionEpoch: 2 }
          }),
        }
      },
    },
    brokerId: 1,
    brokerEpoch: () => brokerEpoch,
    timeoutMs: () => 1000,
    clock,
    turn,
    random: seededRandom(1),
    logger: silentLogger,
  })
  return {
    clock,
    turn,
    requests,
    outcomes,
    answers,
    changes,
    refuseAll: (error: ErrorName) => {
      top = error
    },
    register: (epoch: number | undefined) => {
      brokerEpoch = epoch
    },
    holdUntil: (promise: Promise<void>) => {
      hold = promise
    },
    submit: (partitionIndex: number, isCurrent: () => boolean = () => true) =>
      changes.submit({
        set: {
          topicId: 'topic',
          partitionIndex,
          leaderEpoch: 1,
          partitionEpoch: 1,
          newIsr: [],
          recovering: false,
        },
        isCurrent,
        settled: ({ error }) => outcomes.push(`${partitionIndex} ${error}`),
      }),
    asked: (at: number) => requests[at]?.partitions.map(({ partitionIndex }) => partitionIndex),
  }
}

test('what is wished for within a turn goes in one request', async () => {
  const { submit, turn, outcomes, requests, changes, asked } = setUp()
  for (const index of [0, 1, 2]) submit(index)
  expect(requests).toEqual([])
  turn.flush()
  await until(() => outcomes.length === 3, 'all are answered')
  expect(requests).toHaveLength(1)
  expect([asked(0), requests[0]?.brokerEpoch, changes.size]).toEqual([[0, 1, 2], 9, 0])
})

test('one request is in flight; what comes meanwhile goes with the next', async () => {
  const { submit, turn, outcomes, requests, holdUntil, asked } = setUp()
  const held = Promise.withResolvers<void>()
  holdUntil(held.promise)
  submit(0)
  turn.flush()
  submit(1)
  turn.flush()
  expect(requests).toHaveLength(1)
  held.resolve()
  await until(() => outcomes.length === 1, 'the first is answered')
  turn.flush()
  await until(() => outcomes.length === 2, 'the second is answered')
  expect(asked(1)).toEqual([1])
})

test('what the controller could not deal with is asked again after a while, what it refused is not', async () => {
  const { submit, turn, outcomes, answers, requests, clock, asked } = setUp()
  answers.set(0, 'REQUEST_TIMED_OUT')
  answers.set(1, 'INELIGIBLE_REPLICA')
  submit(0)
  submit(1)
  turn.flush()
  await until(() => clock.pendingTimers === 1, 'it rests')
  expect(outcomes).toEqual(['1 INELIGIBLE_REPLICA'])
  turn.flush()
  expect(requests).toHaveLength(1)
  answers.delete(0)
  clock.advance(100)
  turn.flush()
  await until(() => outcomes.length === 2, 'the other is answered')
  expect([asked(1), outcomes.at(-1)]).toEqual([[0], '0 NONE'])
})

test('a controller that is not there is asked until it is', async () => {
  const { submit, turn, outcomes, refuseAll, clock, requests } = setUp()
  refuseAll('NOT_CONTROLLER')
  submit(0)
  turn.flush()
  await until(() => clock.pendingTimers === 1, 'it rests')
  refuseAll('NONE')
  clock.advance(100)
  turn.flush()
  await until(() => outcomes.length === 1, 'it is answered')
  expect(requests).toHaveLength(2)
})

test('who is not registered waits until it is', async () => {
  const { submit, turn, outcomes, register, clock, requests } = setUp()
  register(undefined)
  submit(0)
  turn.flush()
  await until(() => clock.pendingTimers === 1, 'it rests')
  expect(requests).toEqual([])
  register(12)
  clock.advance(100)
  turn.flush()
  await until(() => outcomes.length === 1, 'it is answered')
  expect(requests[0]?.brokerEpoch).toBe(12)
})

test('what nobody wants any more is not asked for, and a newer wish replaces an older', async () => {
  const { submit, turn, outcomes, requests, asked } = setUp()
  submit(0, () => false)
  submit(1)
  submit(1)
  turn.flush()
  await until(() => outcomes.length === 1, 'it is answered')
  expect([requests.length, asked(0)]).toEqual([1, [1]])
})

test('after the close nothing is asked any more', () => {
  const { submit, turn, changes, requests } = setUp()
  submit(0)
  changes.close()
  submit(1)
  turn.flush()
  expect([requests.length, changes.size]).toEqual([0, 0])
})
