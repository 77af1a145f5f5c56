import { expect, test } from 'vitest'
import { brokerSettingsOf } from '../../../operator/resources/broker-config.ts'
import type { Cluster } from '../../../operator/resources/cluster.ts'
import { readResource } from '../../../operator/resources/read-resource.ts'

function aCluster(spec: object): Cluster {
  const { resource } = readResource({
    apiVersion: 'barnabas.dev/v1',
    kind: 'Cluster',
    metadata: { name: 'demo' },
    spec,
  })
  if (resource?.kind !== 'Cluster') throw new Error('not a cluster')
  return resource.cluster
}

test('the brokers get what the fields say, and what config says besides', () => {
  const settings = brokerSettingsOf(
    aCluster({
      topicDefaults: { partitions: 6, autoCreate: true },
      logging: { level: 'warn' },
      config: { 'log.retention.hours': '2' },
    }),
    3,
  )
  expect(Object.fromEntries(settings)).toMatchObject({
    'num.partitions': '6',
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'auto.create.topics.enable': 'true',
    'log.level': 'warn',
    'log.retention.hours': '2',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
  })
})

test('with one broker nothing asks for more replicas than there are', () => {
  const settings = brokerSettingsOf(aCluster({}), 1)
  expect(settings.get('default.replication.factor')).toBe('1')
  expect(settings.get('min.insync.replicas')).toBe('1')
  expect(settings.get('offsets.topic.replication.factor')).toBe('1')
  expect(settings.get('share.coordinator.state.topic.min.isr')).toBe('1')
})
