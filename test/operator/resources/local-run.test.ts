import { expect, test } from 'vitest'
import { notHonouredLocally } from '../../../operator/resources/local-run.ts'

const sentences = (spec: unknown) =>
  notHonouredLocally('Cluster', { spec }).map(({ sentence, refused }) => [sentence, refused])

test('what only Kubernetes has is told, once per field', () => {
  expect(
    sentences({
      version: '1.0',
      brokers: { resources: { limits: { cpu: 1 } } },
      topicPolicy: { requirePrefix: 'Namespace' },
    }),
  ).toEqual([
    ['spec.version has no effect here; only a cluster on Kubernetes has it.', false],
    ['spec.brokers.resources has no effect here; only a cluster on Kubernetes has it.', false],
    ['spec.topicPolicy has no effect here; only a cluster on Kubernetes has it.', false],
  ])
})

test('a default that is written out is not worth a word', () => {
  expect(
    sentences({
      brokers: { replicas: 1, storage: { type: 'Persistent', size: '10Gi' } },
      listeners: [
        { name: 'internal', port: 9092, type: 'Internal', tls: { mode: 'Disabled' }, authentication: 'None' },
      ],
      monitoring: { rules: { enabled: false } },
      state: 'Running',
    }),
  ).toEqual([])
})

test('security that this version does not have is refused', () => {
  const spec = { listeners: [{ name: 'a', port: 9092, authentication: 'Scram' }] }
  expect(sentences(spec)).toEqual([
    [
      'spec.listeners[0].authentication cannot be honoured by this version, and running without it would not be safe; remove it.',
      true,
    ],
  ])
})

test('what a later version will honour is told', () => {
  expect(sentences({ logging: { categories: { network: 'debug' } } })).toEqual([
    ['spec.logging.categories has no effect here yet; a later version will honour it.', false],
  ])
})

test('of a Topic, what happens to it in Kubernetes has no effect', () => {
  const raw = { spec: { clusterRef: { name: 'a' }, partitions: 3, reclaimPolicy: 'Delete' } }
  expect(notHonouredLocally('Topic', raw).map(({ path }) => path.join('.'))).toEqual(['spec.reclaimPolicy'])
})
