/**
 * Every object of some Clusters, as they are rendered. A change of these files is a change of what runs in other people's
 * clusters: one in a pod's template restarts their brokers. `npx vitest run -u test/operator/desired` writes them anew.
 */
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { FakeWorld } from '../reconcile/fake-world.ts'

const specs: Readonly<Record<string, object>> = {
  empty: {},
  'one-broker': {
    brokers: { replicas: 1, storage: { type: 'Ephemeral' } },
    etcd: { managed: { replicas: 1 } },
    topicDefaults: { autoCreate: true },
  },
  'given-etcd': {
    etcd: { endpoints: ['http://etcd-0:2379', 'http://etcd-1:2379'] },
    networkPolicy: { enabled: false },
  },
  everything: {
    version: '2.0',
    brokers: {
      replicas: 3,
      resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { memory: '2Gi' } },
      storage: { size: '100Gi', storageClassName: 'fast', reclaimPolicy: 'Delete' },
      rack: { topologyKey: 'example.com/rack' },
      template: {
        labels: { team: 'data' },
        annotations: { 'example.com/note': 'x' },
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'kafka', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        topologySpreadConstraints: [],
        priorityClassName: 'high',
        securityContext: { fsGroup: 1000 },
        env: [{ name: 'TZ', value: 'UTC' }],
        imagePullSecrets: [{ name: 'registry' }],
        terminationGracePeriodSeconds: 300,
      },
    },
    etcd: { managed: { replicas: 5, storage: { size: '8Gi' }, image: 'example/etcd:other' } },
    listeners: [
      { name: 'internal', port: 9092, allowFrom: [{ podSelector: { matchLabels: { app: 'client' } } }] },
      { name: 'nodes', port: 9094, type: 'NodePort' },
      {
        name: 'outside',
        port: 9095,
        type: 'LoadBalancer',
        advertised: { hostTemplate: 'b{id}.example.com', portTemplate: '900{id}' },
        annotations: { 'example.com/lb': 'internal' },
        sourceRanges: ['10.0.0.0/8'],
      },
    ],
    config: { 'queued.max.requests': '400', 'log.retention.ms': '1000' },
  },
}

test.each(Object.entries(specs))('the objects of a Cluster: %s', async (name, spec) => {
  const world = new FakeWorld(spec)
  // The second time late enough that addresses from outside are not waited for any more.
  const objects = [0, 3_600_000].flatMap(ms => {
    world.nowMs += ms
    return world.reconcile().actions.flatMap(action => (action.kind === 'apply' ? [action.object] : []))
  })
  expect(objects.length).toBeGreaterThan(5)
  const text = objects
    .map(object => stringify(object, { lineWidth: 120, aliasDuplicateObjects: false }))
    .join('---\n')
  await expect(text).toMatchFileSnapshot(`golden/${name}.yaml`)
})

test('a pod template does not name anything that changes with the operator alone', () => {
  const world = new FakeWorld({})
  const [statefulSet] = world
    .reconcile()
    .actions.flatMap(action =>
      action.kind === 'apply' && action.object.metadata.name === 'demo-brokers' ? [action.object] : [],
    )
    .filter(({ kind }) => kind === 'StatefulSet')
  const { template } = (statefulSet?.spec ?? {}) as { template?: { metadata: object } }
  expect(template?.metadata).toEqual({
    labels: {
      'app.kubernetes.io/name': 'barnabas',
      'app.kubernetes.io/instance': 'demo',
      'app.kubernetes.io/component': 'broker',
      'app.kubernetes.io/managed-by': 'barnabas-operator',
      'barnabas.dev/cluster': 'demo',
    },
  })
})
