/** Specs of Clusters that use much of what there is, and what the operator makes of them. */
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import type { FakeWorld } from '../reconcile/fake-world.ts'

export const exampleSpecs: Readonly<Record<string, object>> = {
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

/** Everything that is written until the brokers are asked for, in order. */
export function renderedObjects(world: FakeWorld): readonly KubeObject[] {
  // The second time late enough that addresses from outside are not waited for any more.
  return [0, 3_600_000].flatMap(ms => {
    world.nowMs += ms
    return world.reconcile().actions.flatMap(action => (action.kind === 'apply' ? [action.object] : []))
  })
}
