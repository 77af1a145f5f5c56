/** Groups and compaction: many consumers join, positions are committed and loaded, a topic is compacted. */
import { BrokerUnderTest, type Target } from '../targets/broker.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { waitUntil } from '../targets/processes.ts'
import {
  findCoordinatorBody,
  findCoordinatorOutcome,
  groupApiKeys,
  offsetCommitBody,
  offsetCommitOutcome,
  offsetFetchBody,
  offsetFetchOutcome,
} from '../targets/wire-groups.ts'
import { type Bench, alternate, createTopics, withTopic } from './bench.ts'
import { benchmarkCompaction } from './compaction.ts'
import { measured, memoryMiB, median } from './figures.ts'

/** Parts of this part; each has brokers of its own, so that one's leavings are not the next one's burden. */
export const groupParts: Record<string, (bench: Bench) => Promise<void>> = {
  'groups-join': benchmarkJoin,
  'groups-commit': benchmarkCommit,
  'groups-load': benchmarkLoad,
  compaction: benchmarkCompaction,
}

export async function benchmarkGroups(
  bench: Omit<Bench, 'brokers'>,
  wanted: readonly Target[],
  chosen: readonly string[],
): Promise<void> {
  const settings = {
    // At 0, as tests have it, how many generations (each a heartbeat of clients long) a group needs to gather is luck.
    'group.initial.rebalance.delay.ms': '1000',
    'offsets.topic.num.partitions': '1',
    'offsets.topic.segment.bytes': '2000000000', // nothing of it is compacted while it is measured
    'log.cleaner.backoff.ms': '200',
    'log.initial.task.delay.ms': '0',
    'group.consumer.heartbeat.interval.ms': '500',
    'group.consumer.min.heartbeat.interval.ms': '500',
  }
  for (const [name, part] of Object.entries(groupParts)) {
    if (!chosen.includes(name)) continue
    const brokers = new Map<Target, BrokerUnderTest>()
    try {
      for (const target of wanted) {
        const options = { core: 0, heap: '1G', built: true, settings }
        brokers.set(target, await BrokerUnderTest.start(target, options))
      }
      await part({ ...bench, brokers })
      for (const [target, broker] of brokers) {
        const figure = { section: 'Memory after each part', scenario: name, unit: 'MiB resident' }
        bench.figures.add(target, { ...figure, better: 'lower' }, memoryMiB(broker.pid).rss)
      }
    } finally {
      for (const broker of brokers.values()) await broker.dispose()
    }
  }
}

const consumers = 100

async function benchmarkJoin(bench: Bench): Promise<void> {
  for (const protocol of ['classic', 'consumer']) {
    const scenario = `${consumers} Java consumers, ${protocol} protocol`
    const join = (broker: BrokerUnderTest, target: Target, counts: boolean): Promise<void> =>
      withTopic(broker, consumers, async topic => {
        await coordinatorReady(broker)
        const args = [broker.bootstrapServers, topic, topic, String(consumers), protocol]
        const { result, cost } = await measured([broker.pid], bench.tools.pid, () =>
          bench.tools.run('JoinTogether', args),
        )
        if (result.exit !== 0) throw new Error(`JoinTogether said: ${result.stdout} ${result.stderr}`)
        if (!counts) return
        const place = { section: 'A group forms', scenario, better: 'lower' } as const
        bench.figures.add(target, { ...place, unit: 's to stable' }, Number(result.stdout.trim()) / 1e9)
        bench.figures.add(target, { ...place, unit: 'broker CPU s, leaving too' }, cost.brokerCpu)
      })
    await alternate({ ...bench, rounds: 1 }, `(not counted) join ${protocol}`, (broker, target) =>
      join(broker, target, false),
    )
    await alternate(bench, `join ${protocol}`, (broker, target) => join(broker, target, true))
  }
}

const partitions = 100
const commitsPerSecond = 5_000
const commitSeconds = 5
const section = 'Positions'

/** Commits of one position each: at a fixed rate, then as many as can be. */
async function benchmarkCommit(bench: Bench): Promise<void> {
  for (const counts of [false, true]) {
    const rounds = counts ? bench.rounds : 1
    await alternate({ ...bench, rounds }, `${counts ? '' : '(not counted) '}commit`, (broker, target) =>
      withTopic(broker, 1, async topic => {
        await coordinatorReady(broker)
        const connections = await Promise.all(
          Array.from({ length: 10 }, () => WireConnection.open(broker.port)),
        )
        const commit = async (number: number): Promise<void> => {
          const body = offsetCommitBody(`group-${number % 500}`, topic, [number])
          const connection = connections[number % connections.length]
          const answer = await connection?.request(groupApiKeys.offsetCommit, 2, body)
          if (answer === undefined || offsetCommitOutcome(answer) !== 0)
            throw new Error('A commit was refused.')
        }
        const fixed = await measured([broker.pid], process.pid, () => atRate(commit))
        const total = 60_000
        const fast = await measured([broker.pid], process.pid, () => asFastAsPossible(commit, total))
        for (const connection of connections) connection.close()
        if (!counts) return
        const add = (scenario: string, unit: string, better: 'lower' | 'higher', sample: number): void =>
          bench.figures.add(target, { section, scenario, unit, better }, sample)
        const rate = `${commitsPerSecond} commits a second`
        const late = fixed.result.toSorted((one, other) => one - other)
        add(`${rate}, p50`, 'ms', 'lower', median(late))
        add(`${rate}, p99`, 'ms', 'lower', late[Math.floor(late.length * 0.99)] ?? NaN)
        add(rate, 'broker core busy %', 'lower', (100 * fixed.cost.brokerCpu) / fixed.cost.seconds)
        add('commits, 200 under way', 'per second', 'higher', total / fast.cost.seconds)
      }),
    )
  }
}

/** Milliseconds from when each commit was due until it was answered. */
async function atRate(commit: (number: number) => Promise<void>): Promise<number[]> {
  const took: number[] = []
  const total = commitsPerSecond * commitSeconds
  const began = performance.now()
  const answers: Promise<void>[] = []
  for (let sent = 0; sent < total; ) {
    for (; sent < total && performance.now() - began >= (sent * 1_000) / commitsPerSecond; sent++) {
      const due = began + (sent * 1_000) / commitsPerSecond
      answers.push(commit(sent).then(() => void took.push(performance.now() - due)))
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(answers)
  return took
}

async function asFastAsPossible(commit: (number: number) => Promise<void>, total: number): Promise<void> {
  let sent = 0
  const lane = async (): Promise<void> => {
    while (sent < total) await commit(sent++)
  }
  await Promise.all(Array.from({ length: 200 }, lane))
}

/** 1 million records of 10,000 positions in one partition, read again after kill -9. */
async function benchmarkLoad(bench: Bench): Promise<void> {
  const topic = 'loaded'
  const groups = 100
  const records = bench.full ? 3_000_000 : 1_000_000
  const rounds = records / groups / partitions
  for (const broker of bench.brokers.values()) {
    process.stderr.write('committing ')
    await coordinatorReady(broker)
    const connection = await WireConnection.open(broker.port)
    await createTopics(connection, [topic], partitions)
    for (let round = 1; round <= rounds; round++) {
      const offsets = Array.from({ length: partitions }, () => round)
      const answers = Array.from({ length: groups }, (_, group) =>
        connection.request(groupApiKeys.offsetCommit, 2, offsetCommitBody(`group-${group}`, topic, offsets)),
      )
      for (const answer of await Promise.all(answers)) {
        if (offsetCommitOutcome(answer) !== 0) throw new Error('A commit was refused.')
      }
    }
    connection.close()
    await broker.kill()
  }
  await alternate(bench, 'load a coordinator', async (broker, target) => {
    const began = performance.now()
    await broker.start()
    const answering = performance.now()
    const connection = await WireConnection.open(broker.port)
    await waitUntil(
      'the positions are known again',
      async () => {
        const body = offsetFetchBody('group-7', topic, 42)
        const { errorCode, offset } = offsetFetchOutcome(
          await connection.request(groupApiKeys.offsetFetch, 1, body),
        )
        return (errorCode === 0 && offset === rounds) || undefined
      },
      { deadlineMs: 180_000, everyMs: 5 },
    )
    connection.close()
    const known = performance.now()
    const scenario = `${records / 1e6} million records loaded after kill -9`
    const place = { section, better: 'lower' } as const
    const figures = bench.figures
    figures.add(
      target,
      { ...place, scenario: `${scenario}, from process start`, unit: 's' },
      (known - began) / 1e3,
    )
    figures.add(
      target,
      { ...place, scenario: `${scenario}, from first answer`, unit: 's' },
      (known - answering) / 1e3,
    )
    figures.add(target, { ...place, scenario: `${scenario}, memory`, unit: 'MiB' }, memoryMiB(broker.pid).rss)
    await broker.kill()
  })
  for (const broker of bench.brokers.values()) await broker.start()
}

/** Asks for a coordinator until there is one: its topic is made by being asked for. */
async function coordinatorReady(broker: BrokerUnderTest): Promise<void> {
  const connection = await WireConnection.open(broker.port)
  await waitUntil('there is a coordinator', async () => {
    const found = await connection.request(groupApiKeys.findCoordinator, 0, findCoordinatorBody('any'))
    const fetched = await connection.request(groupApiKeys.offsetFetch, 1, offsetFetchBody('any', 'any', 0))
    return (findCoordinatorOutcome(found) === 0 && offsetFetchOutcome(fetched).errorCode === 0) || undefined
  })
  connection.close()
}
