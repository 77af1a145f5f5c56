import type { ObservedNode } from '../../../operator/reconcile/observed-cluster.ts'

/** Three, each in a zone of its own. */
export const fakeNodes: ReadonlyMap<string, ObservedNode> = new Map(
  ['a', 'b', 'c'].map(name => [
    `node-${name}`,
    {
      name: `node-${name}`,
      labels: { 'topology.kubernetes.io/zone': `zone-${name}` },
      addresses: [`10.0.0.${name.charCodeAt(0)}`],
    },
  ]),
)
