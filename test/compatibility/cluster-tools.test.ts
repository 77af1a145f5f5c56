/** Kafka's own tools on a cluster of three brokers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { alterPartitionReassignments } from '../../protocol/index.ts'
import { Cluster } from '../cluster/cluster.ts'
import { BrokerConnection } from '../support/broker-connection.ts'
import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { type CommandResult, RunningProcess, waitUntil } from '../targets/processes.ts'
import { target, useJavaTools } from './fixture.ts'

type Tool = Parameters<ReturnType<typeof tools>['run']>[0]

const tools = useJavaTools()
let cluster: Cluster
let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cluster-tools-'))
  cluster = await Cluster.start({ target, network: null })
}, 180_000)

afterAll(async () => {
  await cluster?.dispose()
  rmSync(directory, { recursive: true, force: true })
})

async function run(name: Tool, args: readonly string[], input?: string): Promise<CommandResult> {
  const servers = ['--bootstrap-server', cluster.bootstrapServers]
  // The subcommand of this one stands before its options.
  return tools().run(name, name === 'kafka-cluster' ? [...args, ...servers] : [...servers, ...args], input)
}

async function tool(name: Tool, args: readonly string[], input?: string): Promise<string> {
  const result = await run(name, args, input)
  expect(result, `${name} ${args.join(' ')}: ${result.stdout} ${result.stderr}`).toMatchObject({ exit: 0 })
  return result.stdout
}

async function failingTool(name: Tool, args: readonly string[]): Promise<string> {
  const result = await run(name, args)
  expect(result.exit, `${name} ${args.join(' ')} was to fail`).not.toBe(0)
  return result.stdout + result.stderr
}

/** Makes a topic of these replica lists. */
async function create(topic: string, replicas: readonly (readonly number[])[]): Promise<void> {
  const assignment = replicas.map(list => list.join(':')).join(',')
  await tool('kafka-topics', ['--create', '--topic', topic, '--replica-assignment', assignment])
}

/** `Partition: 0 Leader: 1 Replicas: 1,2 Isr: 1,2`, one for each partition. */
async function described(topic: string): Promise<string[]> {
  const lines = (await tool('kafka-topics', ['--describe', '--topic', topic])).split('\n')
  const fields = /Partition: \d+\tLeader: \S+\tReplicas: \S*\tIsr: [\d,]*/
  return lines.flatMap(line => fields.exec(line)?.[0].replaceAll('\t', ' ') ?? [])
}

function planOf(topic: string, replicas: readonly (readonly number[])[]): string {
  const partitions = replicas.map((list, partition) => ({ topic, partition, replicas: list }))
  return written(`${topic}.json`, { version: 1, partitions })
}

function written(name: string, content: unknown): string {
  const file = join(directory, name)
  writeFileSync(file, JSON.stringify(content))
  return file
}

async function reassign(...args: readonly string[]): Promise<string> {
  return tool('kafka-reassign-partitions', args)
}

async function untilReassigned(plan: string): Promise<void> {
  await waitUntil('the reassignment is completed', async () => {
    const told = await reassign('--verify', '--reassignment-json-file', plan)
    return !told.includes('still in progress') || undefined
  })
}

test('kafka-topics spreads replicas over the brokers and describes them', async () => {
  await tool('kafka-topics', [
    '--create',
    '--topic',
    'spread',
    '--partitions',
    '6',
    '--replication-factor',
    '2',
  ])
  await cluster.inSync('spread')
  const lines = await described('spread')
  const leaders = lines.map(line => Number(/Leader: (\d)/.exec(line)?.[1]))
  expect(leaders.toSorted((one, other) => one - other)).toEqual([1, 1, 2, 2, 3, 3])
  const behind = await tool('kafka-topics', ['--describe', '--under-replicated-partitions'])
  expect(behind.trim()).toBe('')
})

test('kafka-reassign-partitions generates, executes and verifies a move', async () => {
  await create('moved', [
    [1, 2],
    [2, 3],
    [3, 1],
  ])
  await tool('kafka-console-producer', ['--topic', 'moved'], 'one\ntwo\nthree\n')
  const topics = written('topics.json', { version: 1, topics: [{ topic: 'moved' }] })
  const generated = await reassign('--generate', '--topics-to-move-json-file', topics, '--broker-list', '2,3')
  expect(generated).toContain('Current partition replica assignment')
  const proposed = JSON.parse(generated.trim().split('\n').at(-1) ?? '') as {
    partitions: { replicas: number[] }[]
  }
  expect(proposed.partitions.every(({ replicas }) => !replicas.includes(1))).toBe(true)

  const plan = written('moved.json', proposed)
  const executed = await reassign('--execute', '--reassignment-json-file', plan)
  expect(executed).toContain('Successfully started partition reassignments for moved-0,moved-1,moved-2')
  await untilReassigned(plan)
  expect(await reassign('--list')).toContain('No partition reassignments found.')
  for (const [at, line] of (await described('moved')).entries()) {
    expect(line).toContain(`Replicas: ${proposed.partitions[at]?.replicas.join(',')}`)
  }
  const read = ['--topic', 'moved', '--from-beginning', '--max-messages', '3', '--timeout-ms', '20000']
  const values = (await tool('kafka-console-consumer', read)).trim().split('\n')
  expect(values.toSorted()).toEqual(['one', 'three', 'two'])
})

test('the replication factor is raised and lowered', async () => {
  await create('factor', [[1]])
  for (const replicas of [[1, 2, 3], [3]]) {
    const plan = planOf('factor', [replicas])
    await reassign('--execute', '--reassignment-json-file', plan)
    await untilReassigned(plan)
    await waitUntil('the replicas are in sync', async () => {
      const [line = ''] = await described('factor')
      const isr = /Isr: ([\d,]*)/.exec(line)?.[1]?.split(',').map(Number) ?? []
      return (line.includes(`Replicas: ${replicas.join(',')}`) && isr.length === replicas.length) || undefined
    })
  }
  expect(await described('factor')).toEqual(['Partition: 0 Leader: 3 Replicas: 3 Isr: 3'])
})

test('kafka-reassign-partitions says why a move cannot be', async () => {
  await create('stays', [[1, 2]])
  const unknown = await failingTool('kafka-reassign-partitions', [
    '--execute',
    '--reassignment-json-file',
    planOf('stays', [[1, 9]]),
  ])
  expect(unknown).toContain('9')
  expect(await described('stays')).toEqual(['Partition: 0 Leader: 1 Replicas: 1,2 Isr: 1,2'])
})

test('a broker hands over when it stops, is listed as fenced, and leads again when it is asked to', async () => {
  await create('handed', [
    [3, 1, 2],
    [1, 3, 2],
  ])
  await cluster.inSync('handed')
  await cluster.broker(3).stop()
  expect(await described('handed')).toEqual([
    'Partition: 0 Leader: 1 Replicas: 3,1,2 Isr: 1,2',
    'Partition: 1 Leader: 1 Replicas: 1,3,2 Isr: 1,2',
  ])
  const listed = await tool('kafka-cluster', ['list-endpoints', '--include-fenced-brokers'])
  const states = listed.trim().split('\n').slice(1)
  expect(states.map(line => line.trim().split(/\s+/)).map(([id, , , , state]) => [id, state])).toEqual([
    ['1', 'unfenced'],
    ['2', 'unfenced'],
    ['3', 'fenced'],
  ])
  const one = ['--election-type', 'preferred', '--topic', 'handed', '--partition', '0']
  const notYet = await failingTool('kafka-leader-election', one)
  expect(notYet).toContain('PreferredLeaderNotAvailable')

  await cluster.broker(3).start()
  await cluster.inSync('handed')
  expect(await tool('kafka-leader-election', one)).toContain('for partitions handed-0')
  const [first] = await described('handed')
  expect(first).toContain('Partition: 0 Leader: 3')
})

test('a move is cancelled, and nothing is left of it', async () => {
  // Kafka ends a move when the added replicas are in sync, whatever the others are.
  if (target === 'apache-kafka') return
  await create('cancelled', [[2, 3]])
  await cluster.inSync('cancelled')
  // A replica that stays is away: the move goes on until it is back.
  await cluster.broker(3).stop()
  // Only the partition counts here; the tool asks every broker that is named for its throttles.
  const plan = planOf('cancelled', [[1, 2]])
  // The tool starts nothing that names a broker which is away.
  const connection = await BrokerConnection.connect(cluster.broker(1).place.port)
  const partitions = [{ partitionIndex: 0, replicas: [1, 3] }]
  const asked = { topics: [{ name: 'cancelled', partitions }] }
  const started = await connection.request(alterPartitionReassignments, 1, asked)
  await connection.close()
  expect(started).toMatchObject({ errorCode: 0, responses: [{ partitions: [{ errorCode: 0 }] }] })
  expect(await reassign('--list')).toContain('cancelled-0: replicas: 1,3,2. adding: 1. removing: 2.')
  const cancelled = await reassign('--cancel', '--reassignment-json-file', plan)
  expect(cancelled).toContain('Successfully cancelled partition reassignment for: cancelled-0')
  expect(await described('cancelled')).toEqual(['Partition: 0 Leader: 2 Replicas: 3,2 Isr: 2'])
  await cluster.broker(3).start()
  await cluster.inSync('cancelled')
})

test('kafka-leader-election finds nothing to do where a leader is', async () => {
  const unclean = ['--election-type', 'unclean', '--topic', 'spread', '--partition', '0']
  expect(await tool('kafka-leader-election', unclean)).toContain('Valid replica already elected')
})

test('kafka-broker-api-versions and kafka-log-dirs reach every broker', async () => {
  const versions = await tool('kafka-broker-api-versions', [])
  expect(versions.match(/id: (\d)/g)?.toSorted()).toEqual(['id: 1', 'id: 2', 'id: 3'])
  const logDirs = (await tool('kafka-log-dirs', ['--describe', '--topic-list', 'spread'])).split('\n')
  const { brokers } = JSON.parse(logDirs.find(line => line.startsWith('{')) ?? '') as {
    brokers: { broker: number; logDirs: { error: unknown; partitions: unknown[] }[] }[]
  }
  const replicas = brokers.map(({ broker, logDirs: dirs }) => [broker, dirs[0]?.partitions.length])
  expect(replicas).toEqual([
    [1, 4],
    [2, 4],
    [3, 4],
  ])
})

test('kafka-configs changes one broker, whichever is asked', async () => {
  const broker = (id: number) => ['--entity-type', 'brokers', '--entity-name', String(id)]
  await tool('kafka-configs', [...broker(2), '--alter', '--add-config', 'log.cleaner.backoff.ms=12345'])
  expect(await tool('kafka-configs', [...broker(2), '--describe'])).toContain('log.cleaner.backoff.ms=12345')
  expect(await tool('kafka-configs', [...broker(1), '--describe'])).not.toContain('log.cleaner.backoff.ms')
  const everywhere = ['--entity-type', 'brokers', '--entity-default']
  await tool('kafka-configs', [...everywhere, '--alter', '--add-config', 'log.cleaner.backoff.ms=23456'])
  expect(await tool('kafka-configs', [...broker(3), '--describe', '--all'])).toContain(
    'log.cleaner.backoff.ms=23456',
  )
  expect(
    await failingTool('kafka-configs', [...broker(1), '--alter', '--add-config', 'min.insync.replicas=3']),
  ).toContain('InvalidConfigurationException')
})

test('a cordoned broker gets no new replicas', async () => {
  const second = ['--entity-type', 'brokers', '--entity-name', '2', '--alter']
  await tool('kafka-configs', [...second, '--add-config', 'cordoned.log.dirs=*'])
  const create4 = ['--partitions', '4', '--replication-factor', '2']
  await waitUntil('the broker is left out', async () => {
    await tool('kafka-topics', ['--create', '--topic', 'uncordoned', ...create4])
    const lines = await described('uncordoned')
    if (lines.every(line => !/Replicas: \S*2/.test(line))) return true
    await tool('kafka-topics', ['--delete', '--topic', 'uncordoned'])
    return undefined
  })
  if (target === 'barnabas') {
    const plan = planOf('stays', [[2, 3]])
    const allowed = ['--execute', '--reassignment-json-file', plan]
    await tool('kafka-reassign-partitions', allowed)
    await untilReassigned(plan)
    await create('elsewhere', [[1, 3]])
    const refused = await failingTool('kafka-reassign-partitions', [
      '--execute',
      '--reassignment-json-file',
      planOf('elsewhere', [[1, 2]]),
    ])
    expect(refused).toContain('broker 2, which is cordoned')
  }
  await tool('kafka-configs', [...second, '--delete-config', 'cordoned.log.dirs'])
})

test('kafka-features describes, lowers and raises a level', async () => {
  const feature = ['--feature', 'group.version=0']
  expect(await tool('kafka-features', ['describe'])).toMatch(
    /metadata\.version .*FinalizedVersionLevel: 4\.3-IV0/,
  )
  expect(await tool('kafka-features', ['downgrade', ...feature])).toContain(
    'group.version was downgraded to 0.',
  )
  expect(await tool('kafka-features', ['upgrade', '--feature', 'group.version=1'])).toContain(
    'group.version was upgraded to 1.',
  )
  expect(await failingTool('kafka-features', ['upgrade', '--feature', 'group.version=9'])).toContain(
    'Could not upgrade group.version to 9.',
  )
})

test('ReplicaVerificationTool finds no replica behind', async () => {
  const { classPath } = await prepareKafkaJava()
  const options = ['--broker-list', cluster.bootstrapServers, '--topics-include', 'moved']
  const main = 'org.apache.kafka.tools.ReplicaVerificationTool'
  const verification = new RunningProcess('java', [
    '-Xmx256M',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    main,
    ...options,
    '--report-interval-ms',
    '500',
  ])
  try {
    await waitUntil(
      () => `the tool reports; it said: ${verification.output}`,
      () => Promise.resolve(/max lag is 0 for partition moved-/.test(verification.output) || undefined),
    )
  } finally {
    verification.kill('SIGKILL')
    await verification.ended
  }
})

test('kafka-cluster forgets a broker that is gone for good', async () => {
  expect(await failingTool('kafka-cluster', ['unregister', '--id', '9'])).toContain('not registered')
  if (target === 'barnabas') {
    const running = await failingTool('kafka-cluster', ['unregister', '--id', '3'])
    expect(running).toContain('Broker 3 is running. Stop it first')
  }
  await cluster.broker(3).stop()
  await tool('kafka-cluster', ['unregister', '--id', '3'])
  const listed = await tool('kafka-cluster', ['list-endpoints', '--include-fenced-brokers'])
  const ids = listed.trim().split('\n').slice(1)
  expect(ids.map(line => line.trim().split(/\s+/)[0])).toEqual(['1', '2'])
})
