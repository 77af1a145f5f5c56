import { expect, test } from 'vitest'
import {
  checkLocally,
  localBrokerSettings,
  type LocalOptions,
  noteOnBrokers,
  planLocally,
} from '../../cli/local-cluster.ts'
import { type FoundCluster, readManifests } from '../../cli/manifests.ts'

const options = { host: '127.0.0.1', httpPort: 9404, hostname: 'laptop' }

function read(spec: string) {
  const text = `apiVersion: barnabas.dev/v1\nkind: Cluster\nmetadata: { name: demo }\nspec: ${spec}\n`
  const { clusters, topics, mistakes } = readManifests([{ name: 'a.yaml', text }])
  expect(mistakes).toEqual([])
  return { found: clusters[0] as FoundCluster, topics }
}

/** The settings of the broker at this place. */
function settingsOf(spec: string, places: Partial<LocalOptions> = {}, at = 0): Record<string, string> {
  const { found } = read(spec)
  const local = planLocally(found, { ...options, ...places })
  const broker = local.brokers[at]!
  return Object.fromEntries(
    localBrokerSettings(local, broker, `/data/broker-${broker.id}`, { ...options, ...places }),
  )
}

test('nothing said means one broker, and that is told', () => {
  const silent = read('{}')
  expect(checkLocally(silent.found, [])).toEqual([])
  expect(planLocally(silent.found, options).brokers.map(({ id }) => id)).toEqual([1])
  expect(noteOnBrokers(silent.found)).toMatch(/one broker is run here/)
  expect(noteOnBrokers(read('{ brokers: { replicas: 1 } }').found)).toBeUndefined()
})

test('several brokers count from 0 and have ports next to each other, each port once', () => {
  const { found } = read(
    '{ brokers: { replicas: 3 }, listeners: [{ name: internal, port: 9092 }, { name: two, port: 9093 }] }',
  )
  const local = planLocally(found, { ...options, httpPort: 9095 })
  expect(local.brokers.map(({ id }) => id)).toEqual([0, 1, 2])
  expect(local.brokers.map(({ listeners }) => listeners.map(({ port }) => port))).toEqual([
    [9092, 9093],
    [9094, 9096],
    [9098, 9099],
  ])
  expect(local.brokers.map(({ httpPort }) => httpPort)).toEqual([9095, 9097, 9100])
  expect(local.bootstrap).toBe('localhost:9092,localhost:9094,localhost:9098')
  expect(new Set(local.ports.map(({ port }) => port)).size).toBe(9)
})

test('several brokers have one cluster id, the same at each run, and as many replicas as they can', () => {
  const [first, second] = [0, 1].map(at => settingsOf('{ brokers: { replicas: 3 } }', {}, at))
  expect(first).toMatchObject({
    'node.id': '0',
    'log.dirs': '/data/broker-0',
    'cluster.id': second!['cluster.id'],
    'control.listeners': 'http://127.0.0.1:0',
    'default.replication.factor': '3',
    'offsets.topic.replication.factor': '3',
  })
  expect(first!['cluster.id']).toMatch(/^[\w-]{22}$/)
  expect(settingsOf('{}')).not.toHaveProperty(['cluster.id'])
})

test('brokers use an etcd that is given, under an identity of this place', () => {
  const given = '{ etcd: { endpoints: ["http://etcd-a:2379", "http://etcd-b:2379"] } }'
  const here = settingsOf(given)
  expect(here).toMatchObject({
    'etcd.connect': 'http://etcd-a:2379,http://etcd-b:2379',
    'control.listeners': 'http://127.0.0.1:0',
  })
  expect(settingsOf(given)['cluster.id']).toBe(here['cluster.id'])
  expect(settingsOf(given, { hostname: 'desktop' })['cluster.id']).not.toBe(here['cluster.id'])
})

test('more replicas than there are brokers here are refused', () => {
  const { found } = read('{ topicDefaults: { replicationFactor: 2 } }')
  expect(checkLocally(found, [])).toEqual([
    'a.yaml:4: spec.topicDefaults.replicationFactor is 2, but there is one broker here; give 1 or remove it.',
  ])
})

test('the broker listens where it is told and tells clients a name they can use', () => {
  const listeners = '{ listeners: [{ name: internal, port: 9092 }, { name: second-one, port: 9095 }] }'
  expect(settingsOf(listeners, { port: 19_092 })).toMatchObject({
    'node.id': '1',
    'log.dirs': '/data/broker-1',
    listeners: 'INTERNAL://127.0.0.1:19092,SECOND-ONE://127.0.0.1:9095',
    'advertised.listeners': 'INTERNAL://localhost:19092,SECOND-ONE://localhost:9095',
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,SECOND-ONE:PLAINTEXT',
    'http.listeners': 'http://127.0.0.1:9404',
  })
})

test('open to other machines, the broker goes by the name of this one', () => {
  const open = { host: '0.0.0.0' }
  expect(settingsOf('{}', open)['advertised.listeners']).toBe('INTERNAL://laptop:9092')
  expect(planLocally(read('{}').found, { ...options, ...open }).bootstrap).toBe('laptop:9092')
})

test('what the manifest sets wins over what suits a laptop', () => {
  const config = '{ config: { group.initial.rebalance.delay.ms: "3000" } }'
  expect(settingsOf(config)['group.initial.rebalance.delay.ms']).toBe('3000')
})

test('time to stop, environment and short-lived data are taken from the manifest', () => {
  const { found } = read(
    '{ brokers: { storage: { type: Ephemeral }, template: { terminationGracePeriodSeconds: 5, env: [{ name: A, value: b }] } } }',
  )
  expect(planLocally(found, options)).toMatchObject({
    gracePeriodMs: 5000,
    environment: { A: 'b' },
    isEphemeral: true,
    ports: [
      { port: 9092, what: 'listener internal', flag: '--port' },
      { port: 9404, what: 'metrics', flag: '--http-port' },
    ],
  })
})
