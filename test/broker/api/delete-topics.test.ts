import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteTopics, errorName } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  batchOf,
  fetchFrom,
  metadataOf,
  produceTo,
  resource,
  setConfigs,
  topicOf,
} from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({
    settings: { 'log.segment.delete.delay.ms': '0', 'log.cleaner.enable': 'false' },
  })
  client = await broker.connect()
})

afterAll(() => broker.remove())

async function deleted(topics: readonly { readonly name?: string | null; readonly topicId?: string }[]) {
  const asked = topics.map(({ name = null, topicId = 'AAAAAAAAAAAAAAAAAAAAAA' }) => ({ name, topicId }))
  const answer = await client.request(deleteTopics, 6, { topics: asked, timeoutMs: 10_000 })
  return answer.responses.map(response => ({ ...response, error: errorName(response.errorCode) }))
}

test('a deleted topic is gone for everybody, and its files go too', async () => {
  const topicId = await topicOf(client, 'by-name', { partitions: 2 })
  await produceTo(client, 'by-name', batchOf(['a']))
  expect(await deleted([{ name: 'by-name' }])).toMatchObject([{ error: 'NONE', name: 'by-name', topicId }])
  expect((await produceTo(client, 'by-name', batchOf(['a']))).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  expect((await fetchFrom(client, 'by-name')).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  const folders = () => readdirSync(join(broker.directory, 'data')).filter(name => name.startsWith('by-name'))
  await until(() => folders().length === 0, 'the folders are gone')
})

test('a topic is deleted by its id; the answer tells its name', async () => {
  const topicId = await topicOf(client, 'by-id')
  expect(await deleted([{ topicId }])).toMatchObject([{ error: 'NONE', name: 'by-id', topicId }])
  expect(await deleted([{ topicId }])).toMatchObject([{ error: 'UNKNOWN_TOPIC_ID' }])
})

test('what cannot be deleted is told one by one', async () => {
  const topicId = await topicOf(client, 'kept')
  const results = await deleted([
    { name: 'unknown' },
    {},
    { name: 'kept', topicId },
    { name: 'double' },
    { name: 'double' },
  ])
  expect(results.map(({ error }) => error)).toEqual([
    'UNKNOWN_TOPIC_OR_PARTITION',
    'INVALID_REQUEST',
    'INVALID_REQUEST',
    'INVALID_REQUEST',
    'INVALID_REQUEST',
  ])
  expect((await metadataOf(client, ['kept'])).topics[0]?.errorCode).toBe(0)
})

test('a topic made again is another: empty, with another id and without the old settings', async () => {
  const old = await topicOf(client, 'again', { configs: { 'max.message.bytes': '100' } })
  await produceTo(client, 'again', batchOf(['a']))
  await deleted([{ name: 'again' }])
  const topicId = await topicOf(client, 'again')
  expect(topicId).not.toBe(old)
  expect((await produceTo(client, 'again', batchOf(['x'.repeat(1000)]))).baseOffset).toBe(0)
  expect((await produceTo(client, '', batchOf(['a']), { topicId: old })).error).toBe('UNKNOWN_TOPIC_ID')
  expect(await setConfigs(client, resource.topic, 'again', { 'max.message.bytes': '100' })).toMatchObject({
    error: 'NONE',
  })
})

test('where deletion is switched off it says so', async () => {
  const strict = await RunningBroker.start({ settings: { 'delete.topic.enable': 'false' } })
  const other = await strict.connect()
  await topicOf(other, 'kept')
  const answer = await other.request(deleteTopics, 5, { topicNames: ['kept'], timeoutMs: 10_000 })
  expect(errorName(answer.responses[0]?.errorCode ?? 0)).toBe('TOPIC_DELETION_DISABLED')
  await strict.remove()
})
