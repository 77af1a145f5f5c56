/**
 * What iptables of a node are to do so that NetworkPolicies hold for its pods. Pure. Packets of pods pass the table `mangle`
 * after addresses of Services have become those of pods and before anything else accepts them. A pod that no policy selects
 * has no chain; the chains of others end in DROP. What comes from a pod's own node is not forwarded, so it passes none of them.
 */
import { BlockList } from 'node:net'

export type Labels = Readonly<Record<string, string>>

export interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

interface PolicyPort {
  readonly protocol?: string
  readonly port?: number | string
  readonly endPort?: number
}

export interface PeerRule {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

/** As the API server gives it: with `policyTypes`, which it fills in. */
export interface NetworkPolicy {
  readonly namespace: string
  readonly spec: {
    readonly podSelector?: Selector
    readonly policyTypes: readonly string[]
    readonly ingress?: readonly {
      readonly from?: readonly PeerRule[]
      readonly ports?: readonly PolicyPort[]
    }[]
    readonly egress?: readonly { readonly to?: readonly PeerRule[]; readonly ports?: readonly PolicyPort[] }[]
  }
}

export interface ConnectedPod {
  readonly address: string
  readonly namespace: string
  readonly labels: Labels
  readonly ports: readonly {
    readonly name?: string
    readonly containerPort: number
    readonly protocol?: string
  }[]
}

export interface ConnectedPods {
  /** Of all nodes. */
  readonly pods: readonly ConnectedPod[]
  readonly policies: readonly NetworkPolicy[]
  /** Labels of namespaces, by name. */
  readonly namespaces: ReadonlyMap<string, Labels>
}

export interface Chain {
  readonly name: string
  readonly rules: readonly string[]
}

type Direction = 'Ingress' | 'Egress'

const mainChain = 'POLICIES'
const chainNames = { Ingress: 'POLICIES-IN-', Egress: 'POLICIES-OUT-' } as const
/** In a rule: where the pod itself stands, and where its peer. */
const ends = { Ingress: { own: '-d', peer: '-s' }, Egress: { own: '-s', peer: '-d' } } as const
const everybody = '0.0.0.0/0'

/** The chains for those pods of `all` that `isLocal` says are the node's. The first one is where all packets begin. */
export function policyChains(all: ConnectedPods, isLocal: (pod: ConnectedPod) => boolean): readonly Chain[] {
  const jumps: string[] = []
  const chains: Chain[] = []
  for (const pod of all.pods.filter(isLocal)) {
    for (const direction of ['Egress', 'Ingress'] as const) {
      const policies = all.policies.filter(each => concerns(each, pod, direction))
      if (policies.length === 0) continue
      const name = `${chainNames[direction]}${pod.address}`
      jumps.push(`${ends[direction].own} ${pod.address} -j ${name}`)
      const letThrough = policies.flatMap(policy => wayThrough(all, policy, pod, direction))
      // Nothing keeps a pod from itself, as when it calls a Service whose only pod it is.
      const itself = `${ends[direction].peer} ${pod.address} -j RETURN`
      chains.push({
        name,
        rules: [itself, ...new Set(letThrough.map(match => `${match} -j RETURN`)), '-j DROP'],
      })
    }
  }
  const answers = '-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN'
  return [{ name: mainChain, rules: [answers, ...jumps] }, ...chains]
}

/** What `iptables-restore --noflush` does at once: these chains in the place of those of the names `before`. */
export function restoreInput(chains: readonly Chain[], before: readonly string[]): string {
  const names = chains.map(({ name }) => name)
  const gone = before.filter(name => !names.includes(name))
  return [
    '*mangle',
    ...[...names, ...gone].map(name => `:${name} - [0:0]`),
    ...chains.flatMap(({ name, rules }) => rules.map(rule => `-A ${name} ${rule}`)),
    ...gone.map(name => `-X ${name}`),
    'COMMIT',
    '',
  ].join('\n')
}

/** Leads every forwarded packet to the chains, once. Two rules, as asking for the bridge is what makes Linux show its packets. */
export const restoreAtFirst = [
  '*mangle',
  `:${mainChain} - [0:0]`,
  `-A FORWARD -m physdev --physdev-is-bridged -j ${mainChain}`,
  `-A FORWARD -m physdev ! --physdev-is-bridged -j ${mainChain}`,
  'COMMIT',
  '',
].join('\n')

function concerns({ namespace, spec }: NetworkPolicy, pod: ConnectedPod, direction: Direction): boolean {
  const isOfType = spec.policyTypes.includes(direction)
  return isOfType && namespace === pod.namespace && selects(spec.podSelector ?? {}, pod.labels)
}

/** All conditions hold; none selects everything. An operator that Kubernetes does not have is an error. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        case 'DoesNotExist':
          return value === undefined
        default:
          throw new Error(
            `A selector of a NetworkPolicy has the operator ${operator}, which is not known here.`,
          )
      }
    })
  )
}

/** Addresses, and the pod that has it if there is one to be known. */
interface Peer {
  readonly addresses: string
  readonly pod?: ConnectedPod
}

/** Matches of packets that the policy lets through. */
function wayThrough(
  all: ConnectedPods,
  policy: NetworkPolicy,
  pod: ConnectedPod,
  direction: Direction,
): readonly string[] {
  const rules =
    direction === 'Ingress'
      ? (policy.spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (policy.spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
  const { peer: end } = ends[direction]
  return rules.flatMap(({ peers = [], ports = [] }) => {
    const found =
      peers.length === 0
        ? [{ addresses: everybody }]
        : peers.flatMap(peer => peersOf(all, peer, policy.namespace))
    if (ports.length === 0) return found.map(({ addresses }) => `${end} ${addresses}`)
    return found.flatMap(peer =>
      ports.flatMap(port => {
        const receivers = direction === 'Ingress' ? [pod] : receiversOf(all, peer)
        if (typeof port.port !== 'string') return `${end} ${peer.addresses} ${portMatch(port)}`
        return receivers.flatMap(receiver => {
          const addresses = direction === 'Ingress' ? peer.addresses : receiver.address
          return numbersOf(receiver, port).map(
            number => `${end} ${addresses} ${portMatch({ ...port, port: number })}`,
          )
        })
      }),
    )
  })
}

function peersOf(all: ConnectedPods, rule: PeerRule, ownNamespace: string): readonly Peer[] {
  const { ipBlock, namespaceSelector, podSelector = {} } = rule
  if (ipBlock !== undefined) return blocksOf(ipBlock.cidr, ipBlock.except).map(addresses => ({ addresses }))
  return all.pods
    .filter(({ namespace, labels }) => {
      const isNamespace =
        namespaceSelector === undefined
          ? namespace === ownNamespace
          : selects(namespaceSelector, all.namespaces.get(namespace) ?? {})
      return isNamespace && selects(podSelector, labels)
    })
    .map(pod => ({ addresses: pod.address, pod }))
}

/** Pods that may have the named port that a packet is for. */
function receiversOf(all: ConnectedPods, { addresses, pod }: Peer): readonly ConnectedPod[] {
  if (pod !== undefined) return [pod]
  const [network = '', bits = ''] = addresses.split('/')
  const block = new BlockList()
  block.addSubnet(network, Number(bits))
  return all.pods.filter(({ address }) => block.check(address))
}

function numbersOf(pod: ConnectedPod, { port, protocol = 'TCP' }: PolicyPort): readonly number[] {
  return pod.ports
    .filter(each => each.name === port && (each.protocol ?? 'TCP') === protocol)
    .map(({ containerPort }) => containerPort)
}

function portMatch({ protocol = 'TCP', port, endPort }: PolicyPort): string {
  const match = `-p ${protocol.toLowerCase()}`
  if (port === undefined) return match
  return `${match} --dport ${endPort === undefined ? port : `${port}:${endPort}`}`
}

/** `cidr` without those of `except`, as blocks. Pods have addresses of IPv4 alone: no block of IPv6 concerns them. */
export function blocksOf(cidr: string, except: readonly string[] = []): readonly string[] {
  if (cidr.includes(':')) return []
  let blocks = [parseBlock(cidr)]
  for (const each of except) {
    if (!each.includes(':')) blocks = blocks.flatMap(block => without(block, parseBlock(each)))
  }
  return blocks.map(formatBlock)
}

/** First address, as a number, and how many bits all addresses have in common. */
interface Block {
  readonly first: number
  readonly bits: number
}

function without(block: Block, except: Block): readonly Block[] {
  if (isWithin(block, except)) return []
  if (!isWithin(except, block)) return [block]
  const bits = block.bits + 1
  const halves = [block.first, block.first + 2 ** (32 - bits)].map(first => ({ first, bits }))
  return halves.flatMap(half => without(half, except))
}

function isWithin(inner: Block, outer: Block): boolean {
  return (
    inner.bits >= outer.bits &&
    inner.first >= outer.first &&
    inner.first < outer.first + 2 ** (32 - outer.bits)
  )
}

function parseBlock(cidr: string): Block {
  const [address = '', length = '32'] = cidr.split('/')
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(length))
  return { first: Math.floor(value / size) * size, bits: Number(length) }
}

function formatBlock({ first, bits }: Block): string {
  const parts = [24, 16, 8, 0].map(shift => Math.floor(first / 2 ** shift) % 256)
  return `${parts.join('.')}/${bits}`
}
