/**
 * Who may open a connection to which port of a pod, by the rules of NetworkPolicies: a pod that no policy selects takes
 * everybody, else whoever any of their rules lets in. What our policies do not use is an error, so that nothing is overlooked.
 */
import { BlockList, isIPv4 } from 'node:net'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { type Labels, type PeerRule, type Selector, selects } from '../../support/network-policies.ts'

export interface PodAt {
  readonly namespace: string
  readonly labels: Labels
}

/** Whoever knocks: a pod, or an address outside of Kubernetes. */
export type Peer = PodAt | { readonly address: string }

interface PolicySpec {
  readonly podSelector: Selector
  readonly policyTypes: readonly string[]
  readonly ingress: readonly {
    readonly from?: readonly PeerRule[]
    readonly ports?: readonly { readonly protocol: string; readonly port: number }[]
  }[]
}

export function mayReach(
  objects: readonly KubeObject[],
  peer: Peer,
  { pod, port }: { readonly pod: PodAt; readonly port: number },
): boolean {
  const policies = objects.flatMap(({ kind, metadata, spec }) => {
    if (kind !== 'NetworkPolicy') return []
    const read = policySpec(spec)
    const isOurs = metadata.namespace === pod.namespace && isSelected(read.podSelector, pod.labels)
    return isOurs ? [read] : []
  })
  if (policies.length === 0) return true
  return policies.some(({ ingress }) =>
    ingress.some(({ from = [], ports = [] }) => {
      const isPort = ports.length === 0 || ports.some(one => one.port === port)
      return isPort && (from.length === 0 || from.some(rule => isLetIn(rule, peer, pod.namespace)))
    }),
  )
}

function policySpec(spec: unknown): PolicySpec {
  const read = spec as PolicySpec
  mustHaveOnly(read, ['podSelector', 'policyTypes', 'ingress'])
  if (read.policyTypes.join() !== 'Ingress')
    throw new Error(`Not only about what comes in: ${read.policyTypes.join()}`)
  for (const rule of read.ingress) {
    mustHaveOnly(rule, ['from', 'ports'])
    for (const port of rule.ports ?? []) {
      mustHaveOnly(port, ['protocol', 'port'])
      if (port.protocol !== 'TCP' || typeof port.port !== 'number') throw new Error(JSON.stringify(port))
    }
    for (const from of rule.from ?? []) {
      mustHaveOnly(from, 'ipBlock' in from ? ['ipBlock'] : ['podSelector', 'namespaceSelector'])
    }
  }
  return read
}

function mustHaveOnly(object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).filter(name => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`Not looked at here: ${unknown.join(', ')} of ${JSON.stringify(object)}`)
}

function isLetIn(rule: PeerRule, peer: Peer, ownNamespace: string): boolean {
  if (rule.ipBlock !== undefined) {
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

function isSelected(selector: Selector, labels: Labels): boolean {
  mustHaveOnly(selector, ['matchLabels'])
  return selects(selector, labels)
}

function isWithin(address: string, cidr: string): boolean {
  const [network = '', bits = ''] = cidr.split('/')
  const blocks = new BlockList()
  blocks.addSubnet(network, Number(bits), isIPv4(network) ? 'ipv4' : 'ipv6')
  return blocks.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}
