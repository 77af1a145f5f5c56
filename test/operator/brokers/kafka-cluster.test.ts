import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaCluster } from '../../../operator/brokers/kafka-cluster.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let kafka: KafkaCluster

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'node.id': '0' } })
  kafka = new KafkaCluster(() => ({ host: '127.0.0.1', port: broker.port }))
  kafka.expect([0])
})

afterAll(async () => {
  await kafka.close()
  await broker.remove()
})

test('a topic lives its life, and what cannot be done is tried without doing it', async () => {
  const made = { name: 'orders', partitions: 2, settings: new Map([['barnabas.owner', 'team/orders uid']]) }
  expect(await kafka.createTopic(made)).toMatchObject({ error: 'NONE' })
  expect(await kafka.createTopic(made)).toMatchObject({ error: 'TOPIC_ALREADY_EXISTS' })
  expect(await kafka.addPartitions('orders', 1)).toMatchObject({ error: 'INVALID_PARTITIONS' })
  expect(await kafka.addPartitions('orders', 4)).toMatchObject({ error: 'NONE' })
  expect(await kafka.alterTopic('orders', [{ name: 'no.such', value: '1' }])).toMatchObject({
    error: 'INVALID_CONFIG',
  })
  expect(await kafka.alterTopic('orders', [{ name: 'retention.ms', value: '5000' }])).toMatchObject({
    error: 'NONE',
  })
  const described = await kafka.describeTopic('orders')
  expect(described?.partitions).toHaveLength(4)
  expect(Object.fromEntries(described?.settings ?? [])).toEqual({
    'barnabas.owner': 'team/orders uid',
    'retention.ms': '5000',
  })
  expect(await kafka.isMoving('orders')).toBe(false)
  expect(await kafka.deleteTopic('orders')).toMatchObject({ error: 'NONE' })
  expect(await kafka.describeTopic('orders')).toBeUndefined()
})

test('the cluster is seen whole: brokers, settings told while running, who takes no new replicas', async () => {
  await kafka.alterBroker(null, [{ name: 'log.retention.ms', value: '7000' }])
  await kafka.alterBroker(0, [{ name: 'cordoned.log.dirs', value: '*' }])
  const seen = await kafka.observe()
  expect(seen).toMatchObject({ kind: 'reached', controllerId: 0, moves: [] })
  if (seen.kind !== 'reached') return
  expect(seen.brokers.map(({ id }) => id)).toEqual([0])
  expect(Object.fromEntries(seen.dynamicSettings)).toEqual({ 'log.retention.ms': '7000' })
  expect([...seen.cordoned]).toEqual([0])
  await kafka.alterBroker(0, [{ name: 'cordoned.log.dirs', value: null }])
})

test('brokers that are not there are an observation', async () => {
  const nobody = new KafkaCluster(() => ({ host: '127.0.0.1', port: 1 }))
  nobody.expect([0, 1])
  expect(await nobody.observe()).toMatchObject({ kind: 'unreachable' })
  await nobody.close()
})
