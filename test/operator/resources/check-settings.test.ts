import { expect, test } from 'vitest'
import { checkClusterSettings, checkTopicSettings } from '../../../operator/resources/check-settings.ts'
import { readResource } from '../../../operator/resources/read-resource.ts'

function read(kind: string, spec: object) {
  return readResource({ apiVersion: 'barnabas.dev/v1', kind, metadata: { name: 'x' }, spec }).resource
}

test('settings of a Cluster are checked as the broker checks them', () => {
  const resource = read('Cluster', {
    config: { 'log.retention.hour': '1', 'num.io.threads': '0', 'log.retention.ms': '5' },
  })
  if (resource?.kind !== 'Cluster') throw new Error('not a cluster')
  expect(checkClusterSettings(resource.cluster)).toEqual([
    {
      path: ['spec', 'config', 'log.retention.hour'],
      sentence: 'there is no such setting. Is log.retention.hours meant?',
    },
    {
      path: ['spec', 'config', 'num.io.threads'],
      sentence: 'Invalid value 0 for configuration num.io.threads: Value must be at least 1',
    },
  ])
})

test('settings of a Topic are checked as the broker checks them', () => {
  const resource = read('Topic', {
    clusterRef: { name: 'a' },
    config: { 'retention.m': '1', 'segment.bytes': 5 },
  })
  if (resource?.kind !== 'Topic') throw new Error('not a topic')
  expect(checkTopicSettings(resource.topic).map(({ sentence }) => sentence)).toEqual([
    'Unknown topic config name: retention.m (is retention.ms meant?)',
    'Invalid value 5 for configuration segment.bytes: Value must be at least 1048576',
  ])
})
