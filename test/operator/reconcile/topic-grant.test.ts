import { expect, test } from 'vitest'
import { quotaOf, refusalOfNamespace, type TopicPlace } from '../../../operator/reconcile/topic-grant.ts'
import type { Cluster } from '../../../operator/resources/cluster.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { readResource } from '../../../operator/resources/read-resource.ts'

function aCluster(topicPolicy: object): Cluster {
  const spec = { topicPolicy, topicDefaults: { partitions: 2 } }
  const { resource } = readResource({
    apiVersion: 'barnabas.dev/v1',
    kind: 'Cluster',
    metadata: { name: 'demo' },
    spec,
  })
  if (resource?.kind !== 'Cluster') throw new Error('no cluster')
  return resource.cluster
}

function refusal(topicPolicy: object, place: Partial<TopicPlace> = {}): string | undefined {
  return refusalOfNamespace(aCluster(topicPolicy), {
    clusterNamespace: 'platform',
    topicNamespace: 'team',
    namespaceLabels: { kind: 'app' },
    topicName: 'orders',
    ...place,
  })
}

test('topics come from the namespaces that the Cluster grants', () => {
  expect(refusal({})).toContain('topicPolicy.namespaces.from is Same')
  expect(refusal({}, { topicNamespace: 'platform' })).toBeUndefined()
  expect(refusal({ namespaces: { from: 'All' } })).toBeUndefined()
  const selected = (kind: string): object => ({
    namespaces: { from: 'Selector', selector: { matchLabels: { kind } } },
  })
  expect(refusal(selected('app'))).toBeUndefined()
  expect(refusal(selected('other'))).toContain('lacks the labels')
  const prefixed = { namespaces: { from: 'All' }, requirePrefix: 'Namespace' }
  expect(refusal(prefixed)).toContain('must begin with "team."')
  expect(refusal(prefixed, { topicName: 'team.orders' })).toBeUndefined()
})

interface Given {
  readonly namespace?: string
  readonly made?: string
  readonly asks?: number
  readonly has?: number
  readonly reason?: string
}

function aTopic(name: string, { namespace = 'team', made = '1', asks, has, reason }: Given = {}): KubeObject {
  return {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Topic',
    metadata: { name, namespace, creationTimestamp: `2026-01-01T00:00:0${made}Z` },
    spec: { clusterRef: { name: 'demo' }, ...(asks === undefined ? {} : { partitions: asks }) },
    status: {
      ...(has === undefined ? {} : { partitions: has }),
      ...(reason === undefined ? {} : { conditions: [{ type: 'Ready', reason }] }),
    },
  }
}

test('a namespace has what its topics have, and what older ones are about to get', () => {
  const others = (...topics: readonly KubeObject[]): number | undefined => {
    const own = aTopic('own', { made: '5', asks: 9 })
    return quotaOf(aCluster({ maxPartitionsPerNamespace: 10 }), own, [own, ...topics])?.others
  }
  expect(others()).toBe(0)
  expect(others(aTopic('a', { has: 3 }), aTopic('b', { namespace: 'other', has: 7 }))).toBe(3)
  expect(others(aTopic('older', { asks: 4 }), aTopic('silent'))).toBe(6)
  expect(others(aTopic('grows', { asks: 8, has: 4 }))).toBe(8)
  expect(others(aTopic('younger', { made: '6', asks: 4 }))).toBe(0)
  expect(others(aTopic('younger', { made: '6', asks: 4, has: 3 }))).toBe(3)
  expect(others(aTopic('refused', { asks: 40, has: 1, reason: 'QuotaExceeded' }))).toBe(1)
})

test('without a limit there is nothing to count', () => {
  expect(quotaOf(aCluster({}), aTopic('own'), [])).toBeUndefined()
})
