import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Address, AnyBroker } from '../../../client/admin/any-broker.ts'
import { describeBrokers } from '../../../client/admin/cluster.ts'
import { alterBrokerConfigs, describeBrokerConfigs } from '../../../client/admin/configs.ts'
import { createNewTopics, describeTopics, removeTopics } from '../../../client/admin/topics.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let addresses: Address[]
let any: AnyBroker

beforeEach(async () => {
  broker = await RunningBroker.start()
  addresses = [
    { host: '127.0.0.1', port: 1 },
    { host: '127.0.0.1', port: broker.port },
  ]
  any = new AnyBroker(() => addresses, { clientId: 'test', timeoutMs: 5000 })
})

afterEach(async () => {
  await any.close()
  await broker.remove()
})

const describe = async () => describeBrokers(await any.open())

test('the first broker that answers is asked, by requests that come together over one connection', async () => {
  const [one, two] = await Promise.all([describe(), describe()])
  expect(one.clusterId).toBe(two.clusterId)
  expect(one.brokers.map(({ id }) => id)).toEqual([1])
})

test('when none is there it says of each why', async () => {
  addresses = [{ host: '127.0.0.1', port: 1 }]
  await expect(describe()).rejects.toThrow(/No broker answers: Cannot connect to 127\.0\.0\.1:1/)
  addresses = []
  await expect(describe()).rejects.toThrow('There is no broker to ask.')
})

test('a topic is created and removed with a real broker', async () => {
  await createNewTopics(any, [{ name: 'a', partitions: 2, settings: new Map() }])
  expect(await describeTopics(any, ['a'])).toMatchObject([{ name: 'a', partitions: 2 }])
  expect(await removeTopics(any, ['a', 'b'])).toMatchObject([
    { name: 'a', error: 'NONE' },
    { name: 'b', error: 'UNKNOWN_TOPIC_OR_PARTITION' },
  ])
  expect(await describeTopics(any, ['a'])).toEqual([])
})

test('settings of running brokers are changed for all and for one, and given back', async () => {
  expect(await alterBrokerConfigs(any, null, [{ name: 'log.retention.ms', value: '5000' }])).toMatchObject({
    error: 'NONE',
  })
  await alterBrokerConfigs(any, 1, [{ name: 'log.cleaner.threads', value: '2' }])
  const ofAll = await describeBrokerConfigs(any, null)
  expect(ofAll.get('log.retention.ms')).toEqual({ value: '5000', source: 'allBrokers' })
  const ofOne = await describeBrokerConfigs(any, 1, ['log.cleaner.threads', 'log.retention.ms', 'node.id'])
  expect(Object.fromEntries(ofOne)).toEqual({
    'log.cleaner.threads': { value: '2', source: 'thisBroker' },
    'log.retention.ms': { value: '5000', source: 'allBrokers' },
    'node.id': { value: '1', source: 'start' },
  })
  await alterBrokerConfigs(any, null, [{ name: 'log.retention.ms', value: null }])
  expect((await describeBrokerConfigs(any, null)).has('log.retention.ms')).toBe(false)
  const refused = await alterBrokerConfigs(any, null, [{ name: 'log.dirs', value: 'x' }])
  expect(refused.error).not.toBe('NONE')
})
