import { expect, test } from 'vitest'
import { type CommandResult, waitUntil } from '../targets/processes.ts'
import { createTopic, target, useBroker, useJavaTools } from './fixture.ts'

const broker = useBroker()
const tools = useJavaTools()

type Tool = Parameters<ReturnType<typeof tools>['run']>[0]

/** Runs a tool of Kafka against the broker and expects it to end well. */
async function tool(name: Tool, args: readonly string[], input?: string): Promise<CommandResult> {
  const result = await tools().run(name, ['--bootstrap-server', broker().bootstrapServers, ...args], input)
  expect(result, `${name} ${args.join(' ')}: ${result.stdout} ${result.stderr}`).toMatchObject({ exit: 0 })
  return result
}

async function failingTool(name: Tool, args: readonly string[]): Promise<string> {
  const result = await tools().run(name, ['--bootstrap-server', broker().bootstrapServers, ...args])
  expect(result.exit, `${name} ${args.join(' ')} was to fail`).not.toBe(0)
  return result.stdout + result.stderr
}

test('kafka-topics creates, lists, describes, grows and deletes a topic', async () => {
  const settings = ['--config', 'retention.ms=86400000', '--config', 'cleanup.policy=compact']
  const made = await tool('kafka-topics', ['--create', '--topic', 'made', '--partitions', '3', ...settings])
  expect(made.stdout).toContain('Created topic made.')
  const again = await failingTool('kafka-topics', ['--create', '--topic', 'made'])
  expect(again).toContain("Topic 'made' already exists.")

  expect((await tool('kafka-topics', ['--list'])).stdout.split('\n')).toContain('made')
  const described = (await tool('kafka-topics', ['--describe', '--topic', 'made'])).stdout
  expect(described).toMatch(/Topic: made\tTopicId: [\w-]{22}\tPartitionCount: 3\tReplicationFactor: 1/)
  expect(described).toContain('retention.ms=86400000')
  expect(described).toContain('cleanup.policy=compact')
  expect(described).toContain('\tTopic: made\tPartition: 2\tLeader: 1\tReplicas: 1\tIsr: 1')

  await tool('kafka-topics', ['--alter', '--topic', 'made', '--partitions', '5'])
  const grown = (await tool('kafka-topics', ['--describe', '--topic', 'made'])).stdout
  expect(grown).toContain('PartitionCount: 5')
  const shrunk = await failingTool('kafka-topics', ['--alter', '--topic', 'made', '--partitions', '2'])
  expect(shrunk).toContain('The topic made currently has 5 partition(s); 2 would not be an increase.')

  await tool('kafka-topics', ['--delete', '--topic', 'made'])
  expect((await tool('kafka-topics', ['--list'])).stdout.split('\n')).not.toContain('made')
  expect(await failingTool('kafka-topics', ['--describe', '--topic', 'made'])).toContain('does not exist')
})

test('kafka-topics is told why a topic cannot be', async () => {
  const create = (args: readonly string[]) => failingTool('kafka-topics', ['--create', ...args])
  const badName = await create(['--topic', 'no/slash'])
  expect(badName).toContain('no/slash')
  const tooMany = await create(['--topic', 'wide', '--replication-factor', '3'])
  expect(tooMany).toContain('Unable to replicate the partition 3 time(s)')
  const badSetting = await create(['--topic', 'odd', '--config', 'retention.ms=soon'])
  expect(badSetting).toContain('retention.ms')
  await createTopic(broker(), 'dot.dash')
  expect(await create(['--topic', 'dot_dash'])).toContain('collides')
})

test('kafka-configs sets, shows and takes back settings of topics and brokers', async () => {
  await createTopic(broker(), 'configured')
  const topic = ['--entity-type', 'topics', '--entity-name', 'configured']
  await tool('kafka-configs', [
    ...topic,
    '--alter',
    '--add-config',
    'retention.ms=1234567,min.insync.replicas=1',
  ])
  const set = (await tool('kafka-configs', [...topic, '--describe'])).stdout
  expect(set).toContain(
    'retention.ms=1234567 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=1234567',
  )
  await tool('kafka-configs', [...topic, '--alter', '--delete-config', 'retention.ms'])
  expect((await tool('kafka-configs', [...topic, '--describe'])).stdout).not.toContain('retention.ms')
  const all = (await tool('kafka-configs', [...topic, '--describe', '--all'])).stdout
  expect(all).toContain('retention.ms=604800000 sensitive=false synonyms={}')
  expect(all).toContain('segment.bytes=1073741824')
  expect(await failingTool('kafka-configs', [...topic, '--alter', '--add-config', 'no.such=1'])).toContain(
    'Unknown topic config name: no.such',
  )

  const ofBroker = ['--entity-type', 'brokers', '--entity-name', '1']
  await tool('kafka-configs', [...ofBroker, '--alter', '--add-config', 'message.max.bytes=2000000'])
  const dynamic = 'message.max.bytes=2000000 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:'
  await waitUntil('the broker describes its new setting', async () => {
    const described = await tool('kafka-configs', [...ofBroker, '--describe'])
    return described.stdout.includes(dynamic) || undefined
  })
  await tool('kafka-configs', [...ofBroker, '--alter', '--delete-config', 'message.max.bytes'])
  const described = (await tool('kafka-configs', [...ofBroker, '--describe', '--all'])).stdout
  expect(described).toContain('message.max.bytes=1048588 sensitive=false')
  expect(described).toContain(`log.dirs=${broker().logDirectory} sensitive=false`)
})

test('the console producer and consumer carry keys, headers and null values', async () => {
  await createTopic(broker(), 'console', 2)
  const producing = ['--topic', 'console', '--reader-property', 'parse.key=true']
  const properties = ['parse.headers=true', 'null.marker=NULL', 'key.separator=:', 'headers.delimiter=|']
  const reading = properties.flatMap(property => ['--reader-property', property])
  const lines = 'colour:blue,shape:round|k1:v1\ncolour:red|k1:NULL\ncolour:green|k1:v3\n'
  await tool('kafka-console-producer', [...producing, ...reading], lines)

  const read: string[] = []
  for (const partition of ['0', '1']) {
    const wanted = [
      '--topic',
      'console',
      '--partition',
      partition,
      '--offset',
      'earliest',
      '--timeout-ms',
      '1500',
    ]
    const shown = ['key', 'headers', 'offset', 'partition'].flatMap(part => [
      '--formatter-property',
      `print.${part}=true`,
    ])
    read.push(
      ...(await tool('kafka-console-consumer', [...wanted, ...shown])).stdout.split('\n').filter(Boolean),
    )
  }
  const partition = read[0]?.split('\t')[0]?.split(':')[1]
  expect(read).toEqual([
    `Partition:${partition}\tOffset:0\tcolour:blue,shape:round\tk1\tv1`,
    `Partition:${partition}\tOffset:1\tcolour:red\tk1\tnull`,
    `Partition:${partition}\tOffset:2\tcolour:green\tk1\tv3`,
  ])
})

test('the console consumer begins at the offset that it is given', async () => {
  await createTopic(broker(), 'from-offset')
  const input = Array.from({ length: 50 }, (_, index) => `line-${index}\n`).join('')
  await tool('kafka-console-producer', ['--topic', 'from-offset'], input)
  const wanted = ['--topic', 'from-offset', '--partition', '0', '--offset', '47', '--max-messages', '3']
  expect((await tool('kafka-console-consumer', wanted)).stdout).toBe('line-47\nline-48\nline-49\n')
})

test('kafka-producer-perf-test writes idempotently with acks=all, every codec', async () => {
  await createTopic(broker(), 'perf', 4)
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const load = ['--topic', 'perf', '--num-records', '10000', '--record-size', '500', '--throughput', '-1']
    const properties = [`compression.type=${codec}`, 'acks=all'].flatMap(property => [
      '--command-property',
      property,
    ])
    const { stdout } = await tool('kafka-producer-perf-test', [...load, ...properties])
    expect(stdout).toContain('10000 records sent')
  }
  const offsets = (await tool('kafka-get-offsets', ['--topic', 'perf'])).stdout.trim().split('\n')
  const total = offsets.reduce((sum, line) => sum + Number(line.split(':')[2]), 0)
  expect(total).toBe(50_000)
})

test('kafka-get-offsets, kafka-delete-records and kafka-log-dirs agree about a log', async () => {
  await createTopic(broker(), 'trimmed')
  const input = Array.from({ length: 100 }, (_, index) => `${index}\n`).join('')
  await tool('kafka-console-producer', ['--topic', 'trimmed'], input)
  const offset = async (time: string) =>
    (await tool('kafka-get-offsets', ['--topic', 'trimmed', '--time', time])).stdout.trim()
  expect(await offset('latest')).toBe('trimmed:0:100')
  expect(await offset('earliest')).toBe('trimmed:0:0')
  expect(await offset('max-timestamp')).toMatch(/^trimmed:0:\d+$/)

  const { writeFileSync } = await import('node:fs')
  const json = `${broker().directory}/delete.json`
  const partitions = [{ topic: 'trimmed', partition: 0, offset: 40 }]
  writeFileSync(json, JSON.stringify({ version: 1, partitions }))
  const deleted = (await tool('kafka-delete-records', ['--offset-json-file', json])).stdout
  expect(deleted).toContain('partition: trimmed-0\tlow_watermark: 40')
  expect(await offset('earliest')).toBe('trimmed:0:40')

  const described = (await tool('kafka-log-dirs', ['--describe', '--topic-list', 'trimmed'])).stdout
  const answer = JSON.parse(described.trim().split('\n').at(-1) ?? '{}') as {
    brokers: {
      broker: number
      logDirs: { logDir: string; partitions: { partition: string; size: number }[] }[]
    }[]
  }
  expect(answer.brokers[0]?.logDirs[0]?.logDir).toBe(broker().logDirectory)
  expect(answer.brokers[0]?.logDirs[0]?.partitions[0]).toMatchObject({
    partition: 'trimmed-0',
    isFuture: false,
  })
  expect(answer.brokers[0]?.logDirs[0]?.partitions[0]?.size).toBeGreaterThan(0)
})

test('kafka-broker-api-versions finds every API usable at the version that Kafka has', async () => {
  const { stdout } = await tool('kafka-broker-api-versions', [])
  expect(stdout).toContain(`${broker().bootstrapServers} (id: 1 rack: null`)
  // "Produce(0): 3 to 13 [usable: 13]"; what a broker does not serve says UNSUPPORTED, which later issues take away.
  const usable = new Map(
    [...stdout.matchAll(/^\t(\w+)\((\d+)\): (?:(\d+)(?: to (\d+))? \[usable: (\d+)\]|UNSUPPORTED)/gm)].map(
      match => [match[1], match[5]],
    ),
  )
  const newest = {
    Produce: '13',
    Fetch: '18',
    ListOffsets: '11',
    Metadata: '13',
    ApiVersions: '4',
    CreateTopics: '7',
    DeleteTopics: '6',
    DeleteRecords: '2',
    InitProducerId: '5',
    OffsetForLeaderEpoch: '4',
    DescribeConfigs: '4',
    AlterConfigs: '2',
    AlterReplicaLogDirs: '2',
    DescribeLogDirs: '5',
    CreatePartitions: '3',
    IncrementalAlterConfigs: '1',
    DescribeCluster: '2',
    DescribeProducers: '0',
    DescribeTopicPartitions: '0',
  }
  expect(Object.fromEntries([...usable].filter(([name]) => name !== undefined && name in newest))).toEqual(
    newest,
  )
})

test('kafka-cluster prints the cluster id', async () => {
  const result = await tools().run('kafka-cluster', [
    'cluster-id',
    '--bootstrap-server',
    broker().bootstrapServers,
  ])
  expect(result.stdout).toMatch(/^Cluster ID: [\w-]{22}\n$/)
  if (target === 'apache-kafka') expect(result.stdout).toContain('AAAAAAAAAAAAAAAAAAAAAQ')
})
