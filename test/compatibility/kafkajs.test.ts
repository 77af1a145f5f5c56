import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { beforeAll, afterAll, expect, test } from 'vitest'
import { run } from '../targets/processes.ts'
import { createTopic, useBroker } from './fixture.ts'

const broker = useBroker()
let kafka: Kafka
let admin: ReturnType<Kafka['admin']>

beforeAll(async () => {
  const brokers = [broker().bootstrapServers]
  kafka = new Kafka({ brokers, clientId: 'kafkajs', logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  await admin.connect()
})
afterAll(() => admin.disconnect())

/** kafkajs consumes only in groups, so that what it wrote is read with kcat. */
async function readBack(topic: string, partition: number, format: string): Promise<string[]> {
  const args = ['-b', broker().bootstrapServers, '-C', '-t', topic, '-p', String(partition)]
  const { stdout } = await run('kcat', [...args, '-o', 'beginning', '-e', '-q', '-f', `${format}\n`])
  return stdout.trimEnd().split('\n')
}

test('kafkajs creates, describes, lists and deletes topics', async () => {
  const topics = [
    { topic: 'js-made', numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '86400000' }] },
  ]
  expect(await admin.createTopics({ topics, waitForLeaders: true })).toBe(true)
  expect(await admin.createTopics({ topics })).toBe(false) // there already
  expect(await admin.listTopics()).toContain('js-made')
  const described = await admin.fetchTopicMetadata({ topics: ['js-made'] })
  expect(described.topics[0]?.partitions).toHaveLength(3)
  expect(described.topics[0]?.partitions[0]).toMatchObject({ leader: 1, replicas: [1], isr: [1] })
  await admin.deleteTopics({ topics: ['js-made'] })
  expect(await admin.listTopics()).not.toContain('js-made')
})

test('kafkajs sees the cluster as it is', async () => {
  const cluster = await admin.describeCluster()
  expect(cluster.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: broker().port }])
  expect(cluster.clusterId).toMatch(/^[\w-]{22}$/)
})

test('kafkajs alters settings of a topic and reads them back', async () => {
  await createTopic(broker(), 'js-configs')
  const resource = { type: ConfigResourceTypes.TOPIC, name: 'js-configs' }
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '3600000' }] }],
  })
  const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [resource] })
  const entry = resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms')
  expect(entry).toMatchObject({ configValue: '3600000', isDefault: false })
  const brokerResource = { type: ConfigResourceTypes.BROKER, name: '1', configNames: ['num.partitions'] }
  const described = await admin.describeConfigs({ includeSynonyms: false, resources: [brokerResource] })
  expect(described.resources[0]?.configEntries[0]).toMatchObject({
    configName: 'num.partitions',
    configValue: '1',
  })
})

test('kafkajs adds partitions and refuses to take them away', async () => {
  await createTopic(broker(), 'js-grow', 2)
  await admin.createPartitions({ topicPartitions: [{ topic: 'js-grow', count: 5 }] })
  const described = await admin.fetchTopicMetadata({ topics: ['js-grow'] })
  expect(described.topics[0]?.partitions).toHaveLength(5)
  await expect(
    admin.createPartitions({ topicPartitions: [{ topic: 'js-grow', count: 3 }] }),
  ).rejects.toThrow()
})

test.each([
  { title: 'plainly', topic: 'js-plain', idempotent: false, compression: CompressionTypes.None },
  { title: 'with gzip', topic: 'js-gzip', idempotent: false, compression: CompressionTypes.GZIP },
  { title: 'idempotently', topic: 'js-idempotent', idempotent: true, compression: CompressionTypes.GZIP },
])('what kafkajs writes $title is read back with keys, headers and timestamps', async scenario => {
  const { topic, idempotent, compression } = scenario
  await createTopic(broker(), topic, 2)
  const producer = kafka.producer({ idempotent, allowAutoTopicCreation: false })
  await producer.connect()
  const messages = Array.from({ length: 100 }, (_, index) => ({
    partition: index % 2,
    key: index % 10 === 0 ? null : `key-${index}`,
    value: index % 7 === 0 ? null : `value-${index}`,
    headers: { number: String(index), colour: 'blue' },
    timestamp: String(1_700_000_000_000 + index),
  }))
  const answers = await producer.send({ topic, messages, acks: -1, compression })
  expect(answers.every(({ errorCode }) => errorCode === 0)).toBe(true)
  await producer.send({ topic, messages, acks: -1, compression })
  await producer.disconnect()
  for (const partition of [0, 1]) {
    const expected = messages
      .filter(message => message.partition === partition)
      .map(({ key, value, headers, timestamp }) => {
        const length = value === null ? -1 : value.length
        return `${key ?? ''}|${value ?? ''}|${length}|number=${headers.number},colour=blue|${timestamp}`
      })
    const rows = await readBack(topic, partition, '%k|%s|%S|%h|%T')
    expect(rows).toEqual([...expected, ...expected])
  }
})

test('kafkajs finds offsets by name and time, and deletes records before an offset', async () => {
  const topic = 'js-offsets'
  await createTopic(broker(), topic)
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: 10 }, (_, index) => ({
    value: String(index),
    timestamp: String(1_700_000_000_000 + 1_000 * index),
  }))
  for (const message of messages) await producer.send({ topic, messages: [message] })
  await producer.disconnect()
  expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, low: '0', high: '10' }])
  const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, 1_700_000_004_500)
  expect(byTime).toMatchObject([{ partition: 0, offset: '5' }])
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
  expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: '4', high: '10' }])
  expect(await readBack(topic, 0, '%s')).toEqual(['4', '5', '6', '7', '8', '9'])
})
