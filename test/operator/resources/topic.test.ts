import { expect, test } from 'vitest'
import { readResource } from '../../../operator/resources/read-resource.ts'
import { nameOfTopic, settingsOfTopic, type Topic } from '../../../operator/resources/topic.ts'

function aTopic(spec: object): Topic {
  const { resource } = readResource({
    apiVersion: 'barnabas.dev/v1',
    kind: 'Topic',
    metadata: { name: 'orders' },
    spec: { clusterRef: { name: 'demo' }, ...spec },
  })
  if (resource?.kind !== 'Topic') throw new Error('not a topic')
  return resource.topic
}

test('its fields stand for settings of Kafka', () => {
  const topic = aTopic({
    retention: { time: '7d', bytes: '1Gi' },
    cleanupPolicy: 'CompactDelete',
    minInsyncReplicas: 2,
    compression: 'Zstd',
    config: { 'segment.bytes': 2_000_000, preallocate: 'true' },
  })
  expect(Object.fromEntries(settingsOfTopic(topic))).toEqual({
    'retention.ms': '604800000',
    'retention.bytes': '1073741824',
    'cleanup.policy': 'compact,delete',
    'min.insync.replicas': '2',
    'compression.type': 'zstd',
    'segment.bytes': '2000000',
    preallocate: 'true',
  })
})

test('its name in Kafka is that of the object unless it says otherwise', () => {
  expect(nameOfTopic(aTopic({}))).toBe('orders')
  expect(nameOfTopic(aTopic({ topicName: 'Orders_v2' }))).toBe('Orders_v2')
})
