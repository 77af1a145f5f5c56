import { expect, test } from 'vitest'
import { checkLocally, localBrokerSettings, noteOnBrokers, planLocally } from '../../cli/local-cluster.ts'
import { type FoundCluster, readManifests } from '../../cli/manifests.ts'

const options = { host: '127.0.0.1', httpPort: 9404, hostname: 'laptop' }

function read(spec: string) {
  const text = `apiVersion: barnabas.dev/v1\nkind: Cluster\nmetadata: { name: demo }\nspec: ${spec}\n`
  const { clusters, topics, mistakes } = readManifests([{ name: 'a.yaml', text }])
  expect(mistakes).toEqual([])
  return { found: clusters[0] as FoundCluster, topics }
}

test('several brokers are refused in a sentence; nothing said means one', () => {
  const several = read('{ brokers: { replicas: 3 }, topicDefaults: { replicationFactor: 3 } }')
  expect(checkLocally(several.found, [])).toEqual([
    'a.yaml:4: spec.brokers.replicas is 3, but several brokers need etcd, which this version does not yet run; give 1.',
  ])
  const silent = read('{}')
  expect(checkLocally(silent.found, [])).toEqual([])
  expect(noteOnBrokers(silent.found)).toMatch(/one broker is run here/)
  expect(noteOnBrokers(read('{ brokers: { replicas: 1 } }').found)).toBeUndefined()
})

test('more replicas than there are brokers here are refused', () => {
  const { found } = read('{ topicDefaults: { replicationFactor: 2 } }')
  expect(checkLocally(found, [])).toEqual([
    'a.yaml:4: spec.topicDefaults.replicationFactor is 2, but there is one broker here; give 1 or remove it.',
  ])
})

test('the broker listens where it is told and tells clients a name they can use', () => {
  const { found } = read('{ listeners: [{ name: internal, port: 9092 }, { name: second-one, port: 9095 }] }')
  const settings = localBrokerSettings(found.cluster, '/data/broker-1', { ...options, port: 19_092 })
  expect(Object.fromEntries(settings)).toMatchObject({
    'node.id': '1',
    'log.dirs': '/data/broker-1',
    listeners: 'INTERNAL://127.0.0.1:19092,SECOND-ONE://127.0.0.1:9095',
    'advertised.listeners': 'INTERNAL://localhost:19092,SECOND-ONE://localhost:9095',
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,SECOND-ONE:PLAINTEXT',
    'http.listeners': 'http://127.0.0.1:9404',
  })
})

test('open to other machines, the broker goes by the name of this one', () => {
  const { found } = read('{}')
  const open = { ...options, host: '0.0.0.0' }
  expect(localBrokerSettings(found.cluster, '/d', open).get('advertised.listeners')).toBe(
    'INTERNAL://laptop:9092',
  )
  expect(planLocally(found.cluster, open).bootstrap).toBe('laptop:9092')
})

test('what the manifest sets wins over what suits a laptop', () => {
  const { found } = read('{ config: { group.initial.rebalance.delay.ms: "3000" } }')
  expect(localBrokerSettings(found.cluster, '/d', options).get('group.initial.rebalance.delay.ms')).toBe(
    '3000',
  )
})

test('time to stop, environment and short-lived data are taken from the manifest', () => {
  const { found } = read(
    '{ brokers: { storage: { type: Ephemeral }, template: { terminationGracePeriodSeconds: 5, env: [{ name: A, value: b }] } } }',
  )
  expect(planLocally(found.cluster, options)).toMatchObject({
    gracePeriodMs: 5000,
    environment: { A: 'b' },
    isEphemeral: true,
    ports: [
      { port: 9092, what: 'listener internal' },
      { port: 9404, what: 'metrics' },
    ],
  })
})
