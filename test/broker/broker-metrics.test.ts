import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteTopics } from '../../protocol/index.ts'
import type { BrokerConnection } from '../support/broker-connection.ts'
import { batchOf, fetchFrom, produceTo, topicOf } from '../support/requests.ts'
import { RunningBroker } from '../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'auto.create.topics.enable': 'false' } })
  client = await broker.connect()
})

afterAll(() => broker.remove())

/** Every sample: its name with labels, and the value. */
async function scraped(): Promise<Map<string, number>> {
  const lines = (await broker.metric()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

test('what is written and read is counted, in all and for each topic', async () => {
  await topicOf(client, 'counted')
  const before = await scraped()
  const batch = batchOf(['a', 'b'])
  await produceTo(client, 'counted', batch)
  await fetchFrom(client, 'counted')
  await produceTo(client, 'unknown', batch)
  await fetchFrom(client, 'unknown')
  const after = await scraped()
  const grown = (name: string) => (after.get(name) ?? Number.NaN) - (before.get(name) ?? 0)
  const name = (what: string) => `kafka_server_brokertopicmetrics_${what}_total`
  for (const labels of ['', '{topic="counted"}']) {
    expect(grown(name('messagesin') + labels)).toBe(2)
    expect(grown(name('bytesin') + labels)).toBe(batch.length)
    expect(grown(name('bytesout') + labels)).toBe(batch.length)
  }
  expect(grown(name('totalproducerequests'))).toBe(2)
  expect(grown(name('totalfetchrequests'))).toBe(2)
  expect(grown(name('failedproducerequests'))).toBe(1)
  expect(grown(name('failedfetchrequests'))).toBe(1)
})

test('a repeated batch is not counted a second time', async () => {
  await topicOf(client, 'repeated')
  for (let at = 0; at < 2; at++) {
    await produceTo(
      client,
      'repeated',
      batchOf(['a'], { producerId: 9000, producerEpoch: 0, baseSequence: 0 }),
    )
  }
  expect((await scraped()).get('kafka_server_brokertopicmetrics_messagesin_total{topic="repeated"}')).toBe(1)
})

test('replicas, logs and the cluster are told', async () => {
  await topicOf(client, 'told', { partitions: 2 })
  await produceTo(client, 'told', batchOf(['a', 'b', 'c']), { partition: 1 })
  const samples = await scraped()
  expect(samples.get('kafka_server_replicamanager_leadercount')).toBe(
    samples.get('kafka_server_replicamanager_partitioncount'),
  )
  for (const none of ['underreplicatedpartitions', 'underminisrpartitioncount', 'offlinereplicacount']) {
    expect(samples.get(`kafka_server_replicamanager_${none}`)).toBe(0)
  }
  const end = [...samples].filter(
    ([name]) => name.startsWith('kafka_log_log_logendoffset{') && name.includes('topic="told"'),
  )
  expect(end.map(([, value]) => value).sort((one, other) => one - other)).toEqual([0, 3])
  expect(samples.get('kafka_log_logmanager_offlinelogdirectorycount')).toBe(0)
  expect(samples.get('kafka_brokers')).toBe(1)
})

test('a topic that is deleted leaves no series behind', async () => {
  await topicOf(client, 'deleted')
  await produceTo(client, 'deleted', batchOf(['a']))
  const series = async () => [...(await scraped()).keys()].filter(name => name.includes('topic="deleted"'))
  expect((await series()).length).toBeGreaterThan(3)
  await client.request(deleteTopics, 5, { topicNames: ['deleted'], timeoutMs: 10_000 })
  expect(await series()).toEqual([])
})
