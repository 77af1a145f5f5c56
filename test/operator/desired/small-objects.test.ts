/**
 * Who may reach what of a Cluster, by the network policies that it has, read as Kubernetes reads them; that they do so when
 * they are in force, test/kubernetes/scenarios/network-policies.test.ts shows. `npx vitest run -u test/operator/desired`
 * writes the tables anew.
 */
import { expect, test } from 'vitest'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { FakeWorld } from '../reconcile/fake-world.ts'
import { exampleSpecs, renderedObjects } from './example-clusters.ts'
import { mayReach, type Peer, type PodAt } from './network-reach.ts'

const specs: Readonly<Record<string, object>> = {
  ...exampleSpecs,
  guarded: {
    listeners: [
      {
        name: 'internal',
        port: 9092,
        allowFrom: [{ podSelector: { matchLabels: { app: 'client' } } }],
      },
      {
        name: 'other',
        port: 9093,
        allowFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }],
      },
      {
        name: 'outside',
        port: 9094,
        type: 'NodePort',
        allowFrom: [{ ipBlock: { cidr: '198.51.100.0/24', except: ['198.51.100.8/32'] } }],
      },
      { name: 'nobody', port: 9095, allowFrom: [] },
    ],
  },
}

const operator = { 'app.kubernetes.io/name': 'barnabas-operator' }
const labelled = (instance: string, component: string) => ({
  'app.kubernetes.io/name': 'barnabas',
  'app.kubernetes.io/instance': instance,
  'app.kubernetes.io/component': component,
})

const peers: Readonly<Record<string, Peer>> = {
  'the operator': { namespace: 'operators', labels: operator },
  'its brokers': { namespace: 'team', labels: labelled('demo', 'broker') },
  'its etcd': { namespace: 'team', labels: labelled('demo', 'etcd') },
  'labelled as operator, beside the brokers': { namespace: 'team', labels: operator },
  'labelled as operator, elsewhere': { namespace: 'other', labels: operator },
  'labelled as broker, elsewhere': { namespace: 'other', labels: labelled('demo', 'broker') },
  'labelled as broker, beside the operator': { namespace: 'operators', labels: labelled('demo', 'broker') },
  'labelled as etcd, elsewhere': { namespace: 'other', labels: labelled('demo', 'etcd') },
  'brokers of another Cluster beside it': { namespace: 'team', labels: labelled('second', 'broker') },
  'another pod beside the operator': { namespace: 'operators', labels: {} },
  'a client beside the brokers': { namespace: 'team', labels: { app: 'client' } },
  'a pod beside the brokers': { namespace: 'team', labels: {} },
  'a pod elsewhere, such as Prometheus': { namespace: 'other', labels: { app: 'client' } },
  'the address 198.51.100.7': { address: '198.51.100.7' },
  'the address 198.51.100.8': { address: '198.51.100.8' },
  'the address 2001:db8::1': { address: '2001:db8::1' },
}

interface Target {
  readonly name: string
  readonly pod: PodAt
  readonly port: number
}

/** Every port of every pod that a StatefulSet makes, with the labels that they get. */
function targetsOf(objects: readonly KubeObject[]): readonly Target[] {
  const sets = new Map(
    objects.flatMap(object =>
      object.kind === 'StatefulSet' ? [[object.metadata.name, object] as const] : [],
    ),
  )
  return [...sets.values()].flatMap(({ metadata, spec }) => {
    const { template } = spec as {
      template: {
        metadata: { labels: Record<string, string> }
        spec: { containers: { ports: { name: string; containerPort: number }[] }[] }
      }
    }
    const pod = { namespace: metadata.namespace ?? '', labels: template.metadata.labels }
    const component = template.metadata.labels['app.kubernetes.io/component'] ?? ''
    return template.spec.containers.flatMap(({ ports }) =>
      ports.map(({ name, containerPort }) => ({
        name: `${component} ${name} ${containerPort}`,
        pod,
        port: containerPort,
      })),
    )
  })
}

test.each(Object.entries(specs))('who may reach what: %s', async (name, spec) => {
  const objects = renderedObjects(new FakeWorld(spec))
  const targets = targetsOf(objects)
  expect(targets.length).toBeGreaterThan(3)
  const table = targets.map(target => {
    const [may, mayNot] = [true, false].map(is =>
      Object.entries(peers).flatMap(([who, peer]) => (mayReach(objects, peer, target) === is ? [who] : [])),
    )
    if (mayNot?.length === 0) return `${target.name}\n  everybody\n`
    if (may?.length === 0) return `${target.name}\n  nobody\n`
    return `${target.name}\n${may?.map(who => `  ${who}\n`).join('') ?? ''}`
  })
  await expect(table.join('')).toMatchFileSnapshot(`golden/${name}.reach.txt`)
})

test('what asks for no credentials is open to the Cluster itself and to its operator', () => {
  for (const spec of Object.values(specs)) {
    const objects = renderedObjects(new FakeWorld(spec))
    if (!objects.some(({ kind }) => kind === 'NetworkPolicy')) continue
    const closed = targetsOf(objects).filter(({ name }) =>
      /^broker (brokers|control) |^etcd (client|peer) /.test(name),
    )
    expect(closed.length).toBeGreaterThan(1)
    for (const target of closed) {
      const who = Object.entries(peers).flatMap(([peer, at]) => (mayReach(objects, at, target) ? [peer] : []))
      const [own] = target.name.split(' ')
      const expected =
        own === 'broker'
          ? ['the operator', 'its brokers']
          : target.name.startsWith('etcd peer')
            ? ['its etcd']
            : ['the operator', 'its brokers', 'its etcd']
      expect(who, target.name).toEqual(expected)
    }
  }
})
