/**
 * The operator is killed at its writes, to the API server, brokers and etcd alike, and another one goes on: whatever was
 * under way, everything ends as it ends undisturbed, and clients notice nothing. OPERATOR_KILLS=all adds lives in which every
 * write, counted from the beginning, is once the one that an operator dies of, and operators work undisturbed in between;
 * OPERATOR_KILLS=1,7 adds those of them whose first such write is number 1, and 7.
 */
import { beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { CheckedLoad, expectNothingLost } from '../checked-load.ts'
import { endState, whatIsLeft } from '../end-state.ts'
import { cluster, numbered, topic, useOperator } from '../operated-cluster.ts'
import type { KillPlan } from '../watched-operator/gate.ts'
import { WatchedOperator } from '../watched-operator/watched-operator.ts'

const operated = useOperator('killed', { replicas: 0 })

const quietMs = 4000
const stride = 40
const kills = process.env['OPERATOR_KILLS'] ?? ''

interface Step {
  readonly name: string
  readonly brokers: number
  readonly act: () => Promise<unknown>
}

const setting = 'config: {queued.max.requests: "600", log.retention.ms: "86400000"}'
const checked = { topic: 'checked', partitions: 3 }
const topics = [
  topic('orders', 'partitions: 6, replicationFactor: 3'),
  topic(checked.topic, `partitions: ${checked.partitions}, replicationFactor: 3`),
  topic('passing', 'partitions: 2, reclaimPolicy: Delete'),
]
const steps: readonly Step[] = [
  { name: 'installed', brokers: 3, act: () => operated.apply(cluster(), ...topics) },
  { name: 'rolled', brokers: 3, act: () => operated.apply(cluster(setting)) },
  { name: 'grown', brokers: 4, act: () => operated.kubectl('scale', 'bnc/kafka', '--replicas=4') },
  { name: 'shrunk', brokers: 3, act: () => operated.kubectl('scale', 'bnc/kafka', '--replicas=3') },
]

/** Of the undisturbed life, by step. */
const states = new Map<string, unknown>()
let undisturbedWrites = 0

async function settle(watched: WatchedOperator): Promise<void> {
  const deadlineMs = 240_000
  await operated.until('bnc/kafka', 'Progressing', 'False', 'Converged', deadlineMs)
  await operated.until('bnc/kafka', 'Ready', 'True', undefined, deadlineMs)
  for (const name of ['orders', checked.topic, 'passing'])
    await operated.until(`bnt/${name}`, 'Ready', 'True')
  await waitUntil('nothing is written any more', () => watched.quietMs > quietMs || undefined, {
    deadlineMs: 60_000,
    everyMs: 200,
  })
}

/** From the first apply to the last deletion. `judge` is told of the state after every step. */
async function live(plan: KillPlan, judge: (step: Step) => Promise<void>): Promise<WatchedOperator> {
  const watched = await WatchedOperator.start(operated)
  let load: CheckedLoad | undefined
  try {
    if (plan.kind === 'strides') watched.follow(plan)
    for (const step of steps) {
      if (plan.kind === 'each') watched.follow(plan)
      await step.act()
      await settle(watched)
      if (step.name === 'installed') {
        await operated.produce('orders', numbered(0, 100))
        load = await CheckedLoad.start(operated, checked)
      }
      await judge(step)
      await load?.advances()
    }
    expectNothingLost((await load?.finish()) ?? expect.fail('There is no load.'), { leastInSync: 2 })
    expect(await operated.consume('orders')).toEqual(numbered(0, 100))
    if (plan.kind === 'each') watched.follow(plan)
    await operated.kubectl('delete', 'bnt', '--all', '--timeout=120s')
    await operated.kubectl('delete', 'bnc', '--all', '--timeout=120s')
    await waitUntil(
      'everything is gone',
      async () => (await whatIsLeft(operated)).length === 0 || undefined,
      {
        deadlineMs: 150_000,
        everyMs: 1000,
      },
    )
    await operated.kubectl('delete', 'pvc', '--all', '--timeout=60s')
    return watched
  } catch (error) {
    console.error(`${watched.kills.join('\n')}\n${watched.log.slice(-20_000)}`)
    throw error
  } finally {
    await load?.dispose()
    await watched.stop()
  }
}

async function endsAsUndisturbed(step: Step): Promise<void> {
  const wanted = JSON.stringify(states.get(step.name))
  await waitUntil(
    'the state is the same',
    async () => JSON.stringify(await endState(operated, step.brokers)) === wanted || undefined,
    { deadlineMs: 60_000, everyMs: 2000 },
  ).catch(() => {})
  expect(await endState(operated, step.brokers), step.name).toEqual(states.get(step.name))
}

beforeAll(async () => {
  const watched = await live({ kind: 'never' }, async step => {
    states.set(step.name, await endState(operated, step.brokers))
  })
  undisturbedWrites = watched.writes.length
  expect(watched.ends).toEqual([])
}, 400_000)

test('killed at each of its writes, the operator ends where it would have ended', async () => {
  const watched = await live({ kind: 'each', times: 2 }, endsAsUndisturbed)
  console.log(`killed ${watched.kills.length} times; undisturbed there are ${undisturbedWrites} writes`)
  expect(watched.ends).toEqual([])
  for (const kind of [
    /^after PATCH statefulsets/,
    /^before PATCH statefulsets/,
    /^after PATCH clusters\/kafka\/status/,
    /DELETE pods\/kafka-brokers-/,
    /RequestRestart/,
    /CreateTopics/,
    /IncrementalAlterConfigs/,
    /AlterPartitionReassignments/,
    /DeleteTopics/,
  ]) {
    expect(watched.kills.filter(kill => kind.test(kill)).length, String(kind)).toBeGreaterThan(0)
  }
}, 900_000)

const all = Array.from({ length: stride }, (_, at) => at + 1)
const firsts = kills === 'all' ? all : kills.split(',').filter(Boolean).map(Number)
test.each(firsts)(
  `killed before its write %i and every ${stride} later, it ends where it would have ended`,
  async first => {
    const watched = await live({ kind: 'strides', first, stride }, endsAsUndisturbed)
    expect(watched.ends).toEqual([])
    expect(watched.kills.length).toBeGreaterThan(0)
  },
  600_000,
)
