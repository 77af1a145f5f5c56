import { expect, test } from 'vitest'
import { letGo } from '../../../operator/reconcile/let-go.ts'
import type { KubeObject, ObjectMeta } from '../../../operator/resources/kube-object.ts'

const object = (kind: string, name: string, metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: kind === 'Cluster' ? 'barnabas.dev/v1' : 'v1',
  kind,
  metadata: { name, namespace: 'team', uid: `uid of ${name}`, ...metadata },
})
const cluster = object('Cluster', 'demo')
const others = [
  object('Service', 'demo-bootstrap'),
  object('Service', 'demo-etcd'),
  object('ServiceAccount', 'demo-brokers'),
  object('PersistentVolumeClaim', 'data-demo-brokers-0'),
]

test('only the Service that names all brokers is deleted, and only that very one', () => {
  const actions = letGo(cluster, [...others, object('Service', 'demo-brokers')])
  expect(actions).toEqual([
    {
      kind: 'delete',
      ref: { apiVersion: 'v1', kind: 'Service', namespace: 'team', name: 'demo-brokers' },
      uid: 'uid of demo-brokers',
      why: 'the namespace is being deleted, and brokers that all go wait for nobody',
    },
  ])
})

test('when it is gone or going nothing is to be done', () => {
  const going = object('Service', 'demo-brokers', { deletionTimestamp: '2026-01-01T00:00:00Z' })
  expect(letGo(cluster, [...others, going])).toEqual([])
  expect(letGo(cluster, others)).toEqual([])
})
