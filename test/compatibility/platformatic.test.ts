import { Admin, ConfigResourceTypes, Consumer, ListOffsetTimestamps, Producer } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../targets/processes.ts'
import { createTopic, useBroker } from './fixture.ts'

const broker = useBroker()
let admin: Admin
let consumer: Consumer

beforeAll(() => {
  const options = { clientId: 'platformatic', bootstrapBrokers: [broker().bootstrapServers] }
  admin = new Admin(options)
  consumer = new Consumer({ ...options, groupId: 'not-joined' })
})
afterAll(async () => {
  await admin.close()
  await consumer.close(true)
})

async function topicId(topic: string): Promise<string> {
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  return topics.get(topic)?.id ?? ''
}

/** All records of a partition, by Fetch requests from one batch to the next. */
async function readAll(topic: string, partition: number) {
  const records: {
    key: string | undefined
    value: string | undefined
    headers: unknown
    timestamp: number
  }[] = []
  let fetchOffset = 0n
  for (;;) {
    const answer = await consumer.fetch({
      node: 1,
      maxWaitTime: 100,
      topics: [
        {
          topicId: await topicId(topic),
          partitions: [
            { partition, fetchOffset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 4096 },
          ],
        },
      ],
    })
    const fetched = answer.responses[0]?.partitions[0]
    if (fetched === undefined) return records // the fetch session has nothing new to say
    expect(fetched.errorCode).toBe(0)
    if (fetchOffset >= fetched.highWatermark) return records
    for (const batch of fetched.records ?? []) {
      for (const record of batch.records) {
        const offset = batch.firstOffset + BigInt(record.offsetDelta)
        if (offset < fetchOffset) continue
        fetchOffset = offset + 1n
        records.push({
          key: record.key?.toString(),
          value: record.value?.toString(),
          headers: record.headers.map(([name, value]) => [String(name), String(value)]),
          timestamp: Number(batch.firstTimestamp + record.timestampDelta),
        })
      }
    }
  }
}

test('@platformatic/kafka creates, lists, grows and deletes topics', async () => {
  const created = await admin.createTopics({
    topics: ['p-made'],
    partitions: 3,
    replicas: 1,
    configs: [{ name: 'retention.ms', value: '86400000' }],
  })
  expect(created[0]).toMatchObject({ name: 'p-made', partitions: 3, replicas: 1 })
  expect(created[0]?.configuration['retention.ms']).toBe('86400000')
  await expect(admin.createTopics({ topics: ['p-made'], partitions: 3, replicas: 1 })).rejects.toThrow()
  await admin.createPartitions({ topics: [{ name: 'p-made', count: 5 }] })
  await waitUntil('five partitions are seen', async () => {
    const { topics } = await admin.metadata({ topics: ['p-made'], forceUpdate: true })
    return topics.get('p-made')?.partitionsCount === 5 || undefined
  })
  expect(await admin.listTopics()).toContain('p-made')
  await admin.deleteTopics({ topics: ['p-made'] })
  expect(await admin.listTopics()).not.toContain('p-made')
})

test('@platformatic/kafka alters settings one by one and describes them with their sources', async () => {
  await createTopic(broker(), 'p-configs')
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: 'p-configs' }
  await admin.incrementalAlterConfigs({
    resources: [
      {
        ...resource,
        configs: [
          { name: 'retention.ms', configOperation: 0, value: '3600000' },
          { name: 'cleanup.policy', configOperation: 2, value: 'compact' },
        ],
      },
    ],
  })
  const described = await admin.describeConfigs({ resources: [resource], includeSynonyms: true })
  const valueOf = (name: string) => described[0]?.configs.find(config => config.name === name)?.value
  expect(valueOf('retention.ms')).toBe('3600000')
  expect(valueOf('cleanup.policy')).toBe('delete,compact')
  expect(valueOf('segment.bytes')).toBe('1073741824')
})

test.each([
  { compression: 'none', idempotent: false },
  { compression: 'gzip', idempotent: true },
  { compression: 'snappy', idempotent: false },
  { compression: 'lz4', idempotent: true },
  { compression: 'zstd', idempotent: true },
] as const)(
  '@platformatic/kafka reads by Fetch what it wrote with $compression, idempotent: $idempotent',
  async ({ compression, idempotent }) => {
    const topic = `p-${compression}`
    await createTopic(broker(), topic, 2)
    const producer = new Producer({
      clientId: 'platformatic',
      bootstrapBrokers: [broker().bootstrapServers],
      idempotent,
    })
    const messages = Array.from({ length: 200 }, (_, index) => ({
      topic,
      partition: index % 2,
      key: Buffer.from(`key-${index}`),
      value: Buffer.from(`value-${index}`),
      headers: new Map([[Buffer.from('number'), Buffer.from(String(index))]]),
      timestamp: BigInt(1_700_000_000_000 + index),
    }))
    for (let start = 0; start < messages.length; start += 40) {
      const part = messages.slice(start, start + 40)
      const { offsets } = await producer.send({ messages: part, compression, acks: -1 })
      expect(offsets?.map(({ offset }) => offset)).toEqual([BigInt(start / 2), BigInt(start / 2)])
    }
    await producer.close()
    for (const partition of [0, 1]) {
      const expected = messages
        .filter(message => message.partition === partition)
        .map(message => ({
          key: message.key.toString(),
          value: message.value.toString(),
          headers: [['number', message.value.toString().slice('value-'.length)]],
          timestamp: Number(message.timestamp),
        }))
      expect(await readAll(topic, partition)).toEqual(expected)
    }
  },
)

test('@platformatic/kafka finds offsets by time and deletes records before an offset', async () => {
  const topic = 'p-offsets'
  await createTopic(broker(), topic)
  const producer = new Producer({
    clientId: 'platformatic',
    bootstrapBrokers: [broker().bootstrapServers],
  })
  for (let index = 0; index < 6; index++) {
    const timestamp = BigInt(1_700_000_000_000 + 1_000 * index)
    await producer.send({ messages: [{ topic, partition: 0, value: Buffer.from('x'), timestamp }], acks: 1 })
  }
  await producer.close()
  const offsetAt = async (timestamp: bigint) => {
    const listed = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
    })
    return listed[0]?.partitions[0]?.offset
  }
  expect(await offsetAt(ListOffsetTimestamps.EARLIEST)).toBe(0n)
  expect(await offsetAt(ListOffsetTimestamps.LATEST)).toBe(6n)
  expect(await offsetAt(ListOffsetTimestamps.MAX)).toBe(5n)
  expect(await offsetAt(1_700_000_002_500n)).toBe(3n)
  const deleted = await admin.deleteRecords({
    topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }],
  })
  expect(deleted[0]?.partitions[0]?.lowWatermark).toBe(2n)
  expect(await offsetAt(ListOffsetTimestamps.EARLIEST)).toBe(2n)
})

test('@platformatic/kafka sees the log directories and their sizes', async () => {
  await createTopic(broker(), 'p-sizes', 2)
  const directory = await waitUntil('both partitions have a log', async () => {
    const described = await admin.describeLogDirs({ topics: [{ name: 'p-sizes', partitions: [0, 1] }] })
    expect(described[0]?.broker).toBe(1)
    const [only] = described[0]?.results ?? []
    return only?.topics[0]?.partitions.length === 2 ? only : undefined
  })
  expect(directory.logDir).toBe(broker().logDirectory)
})
