import { describe, expect, test } from 'vitest'
import { formatPath, readResource } from '../../../operator/resources/read-resource.ts'

function clusterWith(spec: unknown): unknown {
  return { apiVersion: 'barnabas.dev/v1', kind: 'Cluster', metadata: { name: 'demo' }, spec }
}

function topicWith(spec: unknown): unknown {
  return { apiVersion: 'barnabas.dev/v1', kind: 'Topic', metadata: { name: 'orders' }, spec }
}

function mistakesOf(raw: unknown): string[] {
  return readResource(raw).mistakes.map(({ path, sentence }) => `${formatPath(path)} ${sentence}`)
}

test('a Cluster with an empty spec, or none, has every default', () => {
  for (const spec of [{}, undefined]) {
    const { resource } = readResource(clusterWith(spec))
    expect(resource).toMatchObject({
      kind: 'Cluster',
      cluster: {
        spec: {
          brokers: { replicas: 3, storage: { type: 'Persistent', size: '10Gi' } },
          listeners: [{ name: 'internal', port: 9092, type: 'Internal', authentication: 'None' }],
          topicDefaults: { partitions: 1, autoCreate: false },
          state: 'Running',
        },
      },
    })
  }
})

test('a Topic needs only the name of its Cluster', () => {
  const { resource } = readResource(topicWith({ clusterRef: { name: 'demo' } }))
  expect(resource).toMatchObject({
    kind: 'Topic',
    topic: { spec: { config: {}, driftPolicy: 'Enforce', adoptionPolicy: 'IfMatching' } },
  })
  expect(mistakesOf(topicWith(undefined))).toEqual(['spec must be there, with clusterRef'])
})

test('all mistakes of a Cluster are told together, those between fields too', () => {
  expect(
    mistakesOf(
      clusterWith({
        brokers: { replica: 1, replicas: 2 },
        listeners: [
          { name: 'a', port: 1 },
          { name: 'a', port: 9092, authentication: 'MutualTLS' },
        ],
        config: { 'broker.id': '1', 'num.partitions': '2', 'num.io.threads': 4 },
        topicDefaults: { replicationFactor: 3, minInsyncReplicas: 3 },
        etcd: {},
        logging: { level: 'loud' },
      }),
    ),
  ).toEqual([
    'spec.brokers.replica is not a field; is replicas meant?',
    'spec.listeners[0].port must be at least 1024',
    "spec.config['num.io.threads'] must be text; put it in quotes",
    'spec.logging.level must be error, warn, info, debug or trace',
    'spec.listeners[1].name must differ from that of spec.listeners[0]',
    'spec.listeners[1].authentication must not be MutualTLS without tls.mode',
    'spec.etcd must have one of managed and endpoints, and only one',
    'spec.topicDefaults.replicationFactor must be at most the number of brokers, 2',
    'spec.topicDefaults.minInsyncReplicas must be less than the number of replicas, 3, or no broker could stop',
    "spec.config['broker.id'] must not be given; it follows from the rest of the Cluster",
    "spec.config['num.partitions'] must not be given here; use spec.topicDefaults.partitions",
  ])
})

test('all mistakes of a Topic are told together', () => {
  expect(
    mistakesOf(
      topicWith({
        partitions: 1.5,
        topicName: 'a b',
        retention: { time: '7 days' },
        cleanupPolicy: 'delete',
        config: { 'retention.ms': 5, flag: true },
        replicationFactor: 1,
        minInsyncReplicas: 2,
      }),
    ),
  ).toEqual([
    'spec.clusterRef must be there, with the name of a Cluster',
    'spec.topicName must be of letters, digits, points, hyphens and underscores, at most 249',
    'spec.partitions must be a whole number from 1 to 10000',
    'spec.retention.time must be a time such as 7d, 12h, 30m, 15s or 500ms',
    'spec.cleanupPolicy must be Delete, Compact or CompactDelete',
    'spec.config.flag must be text or a whole number',
    "spec.config['retention.ms'] must not be given twice; it is spec.retention.time already",
    'spec.minInsyncReplicas must be at most replicationFactor, 1',
  ])
})

describe('what is no resource of ours', () => {
  test.each<[unknown, string[]]>([
    [5, [' must be an object with apiVersion, kind, metadata and spec']],
    [{ kind: 'Pod' }, ['kind must be Cluster or Topic (of barnabas.dev/v1)']],
    [
      { kind: 'Cluster', apiVersion: 'v1' },
      ['apiVersion must be barnabas.dev/v1', 'metadata must be there, with a name'],
    ],
  ])('%#', (raw, mistakes) => {
    expect(mistakesOf(raw)).toEqual(mistakes)
  })
})
