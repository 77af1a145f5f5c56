/**
 * Who may open a connection to which port of a pod, by the rules of NetworkPolicies: a pod that no policy selects takes
 * everybody, else whoever any of their rules lets in. What our policies do not use is an error, so that nothing is overlooked.
 */
import { BlockList, isIPv4 } from 'node:net'
import * as z from 'zod'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'

export interface PodAt {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** Whoever knocks: a pod, or an address outside of Kubernetes. */
export type Peer = PodAt | { readonly address: string }

const selector = z.strictObject({ matchLabels: z.record(z.string(), z.string()).optional() })
const peerRule = z.union([
  z.strictObject({ podSelector: selector.optional(), namespaceSelector: selector.optional() }),
  z.strictObject({ ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).optional() }) }),
])
const policy = z.object({
  kind: z.literal('NetworkPolicy'),
  metadata: z.object({ namespace: z.string() }),
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.tuple([z.literal('Ingress')]),
    ingress: z.array(
      z.strictObject({
        from: z.array(peerRule).optional(),
        ports: z.array(z.strictObject({ protocol: z.literal('TCP'), port: z.int() })).optional(),
      }),
    ),
  }),
})

type PeerRule = z.infer<typeof peerRule>

export function mayReach(
  objects: readonly KubeObject[],
  peer: Peer,
  { pod, port }: { readonly pod: PodAt; readonly port: number },
): boolean {
  const policies = objects
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map(object => policy.parse(object))
    .filter(
      ({ metadata, spec }) =>
        metadata.namespace === pod.namespace && isSelected(spec.podSelector, pod.labels),
    )
  if (policies.length === 0) return true
  return policies.some(({ spec }) =>
    spec.ingress.some(({ from = [], ports = [] }) => {
      const isPort = ports.length === 0 || ports.some(one => one.port === port)
      return isPort && (from.length === 0 || from.some(rule => isLetIn(rule, peer, pod.namespace)))
    }),
  )
}

function isLetIn(rule: PeerRule, peer: Peer, ownNamespace: string): boolean {
  if ('ipBlock' in rule) {
    if (!('address' in peer)) return false
    const { cidr, except = [] } = rule.ipBlock
    return isWithin(peer.address, cidr) && !except.some(block => isWithin(peer.address, block))
  }
  if ('address' in peer) return false
  const { namespaceSelector, podSelector } = rule
  if (namespaceSelector === undefined && podSelector === undefined) {
    throw new Error('A peer without selectors is refused by Kubernetes.')
  }
  const isNamespace =
    namespaceSelector === undefined
      ? peer.namespace === ownNamespace
      : isSelected(namespaceSelector, { 'kubernetes.io/metadata.name': peer.namespace })
  return isNamespace && isSelected(podSelector ?? {}, peer.labels)
}

function isSelected({ matchLabels = {} }: z.infer<typeof selector>, labels: PodAt['labels']): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value)
}

function isWithin(address: string, cidr: string): boolean {
  const [network = '', bits = ''] = cidr.split('/')
  const blocks = new BlockList()
  blocks.addSubnet(network, Number(bits), isIPv4(network) ? 'ipv4' : 'ipv6')
  return blocks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}
