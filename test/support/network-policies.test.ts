/** Rules of iptables are walked here as Linux does, for packets of pods that are, by the policies, let through or not. */
import { BlockList } from 'node:net'
import { expect, test } from 'vitest'
import {
  blocksOf,
  type Chain,
  type ConnectedPod,
  type ConnectedPods,
  type Labels,
  type NetworkPolicy,
  policyChains,
  restoreInput,
  selects,
} from './network-policies.ts'

const pod = (address: string, namespace: string, app: string, port?: number): ConnectedPod => ({
  address,
  namespace,
  labels: { app },
  ports: port === undefined ? [] : [{ name: 'web', containerPort: port }],
})
const server = pod('10.0.1.10', 'team', 'server', 8080)
const client = pod('10.0.2.10', 'team', 'client')
const second = pod('10.0.1.11', 'team', 'second', 9090)
const stranger = pod('10.0.2.11', 'other', 'client')
const pods = [server, client, second, stranger]
const namespaces = new Map(['team', 'other'].map(name => [name, { 'kubernetes.io/metadata.name': name }]))

const onServer = (spec: Partial<NetworkPolicy['spec']>): NetworkPolicy => ({
  namespace: 'team',
  spec: { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'], ...spec },
})

interface Packet {
  readonly from: string
  readonly to: string
  readonly protocol?: string
  readonly port?: number
}

/** On the nodes of both, one after the other, as a packet of a new connection passes them. */
function passes(policies: readonly NetworkPolicy[], packet: Packet): boolean {
  const all: ConnectedPods = { pods, policies, namespaces }
  const nodes = ['10.0.1.', '10.0.2.'].map(node =>
    policyChains(all, ({ address }) => address.startsWith(node)),
  )
  return nodes.every(chains => verdict(chains, 'POLICIES', packet) !== 'DROP')
}

function verdict(chains: readonly Chain[], name: string, packet: Packet): 'DROP' | 'RETURN' {
  const chain = chains.find(each => each.name === name)
  if (chain === undefined) throw new Error(`${name} is not there`)
  for (const rule of chain.rules) {
    const words = rule.split(' ')
    const target = words.pop() ?? ''
    if (!matches(words.slice(0, -1), packet)) continue
    if (target === 'DROP' || target === 'RETURN') return target
    if (verdict(chains, target, packet) === 'DROP') return 'DROP'
  }
  return 'RETURN'
}

function matches(words: readonly string[], { from, to, protocol = 'tcp', port = 80 }: Packet): boolean {
  for (let at = 0; at < words.length; at += 2) {
    const value = words[at + 1] ?? ''
    const [low = '', high = low] = value.split(':')
    const is: Readonly<Record<string, () => boolean>> = {
      '-s': () => isWithin(from, value),
      '-d': () => isWithin(to, value),
      '-p': () => protocol === value,
      '--dport': () => port >= Number(low) && port <= Number(high),
      '-m': () => value !== 'conntrack',
      '--ctstate': () => false, // a new connection
    }
    const check = is[words[at] ?? '']
    if (check === undefined) throw new Error(`Not known here: ${words[at]}`)
    if (!check()) return false
  }
  return true
}

function isWithin(address: string, cidr: string): boolean {
  const [network = '', bits = '32'] = cidr.split('/')
  const block = new BlockList()
  block.addSubnet(network, Number(bits))
  return block.check(address)
}

const to = (receiver: ConnectedPod, from: string | ConnectedPod, rest: Partial<Packet> = {}): Packet => ({
  from: typeof from === 'string' ? from : from.address,
  to: receiver.address,
  ...rest,
})

test('a pod that no policy selects takes everybody, and one that a policy without rules selects takes nobody but itself', () => {
  expect(passes([], to(server, stranger))).toBe(true)
  const closed = [onServer({})]
  for (const from of [client, second, stranger, '192.0.2.1'])
    expect(passes(closed, to(server, from))).toBe(false)
  expect(passes(closed, to(server, server))).toBe(true)
  expect(passes(closed, to(second, stranger))).toBe(true)
  expect(passes(closed, to(second, server)), 'what goes out is another type').toBe(true)
})

test('a peer is of the own namespace, of the selected ones, or both selectors hold; policies add up', () => {
  const clients = { podSelector: { matchLabels: { app: 'client' } } }
  const own = [onServer({ ingress: [{ from: [clients] }] })]
  expect(passes(own, to(server, client))).toBe(true)
  expect(passes(own, to(server, second))).toBe(false)
  expect(passes(own, to(server, stranger))).toBe(false)
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'other' } }
  const elsewhere = [onServer({ ingress: [{ from: [{ namespaceSelector, ...clients }] }] })]
  expect(passes(elsewhere, to(server, client))).toBe(false)
  expect(passes(elsewhere, to(server, stranger))).toBe(true)
  expect(passes([...own, ...elsewhere], to(server, client))).toBe(true)
  expect(passes([...own, ...elsewhere], to(server, second))).toBe(false)
})

test('ports are numbers, ranges, names of the receiver or all of a protocol', () => {
  const by = (port: object): NetworkPolicy[] => [onServer({ ingress: [{ ports: [port] }] })]
  expect(passes(by({ protocol: 'TCP', port: 80 }), to(server, stranger))).toBe(true)
  expect(passes(by({ protocol: 'TCP', port: 80 }), to(server, stranger, { port: 81 }))).toBe(false)
  expect(passes(by({ protocol: 'TCP', port: 80 }), to(server, stranger, { protocol: 'udp' }))).toBe(false)
  expect(passes(by({ protocol: 'TCP', port: 80, endPort: 82 }), to(server, stranger, { port: 82 }))).toBe(
    true,
  )
  expect(passes(by({ protocol: 'TCP', port: 80, endPort: 82 }), to(server, stranger, { port: 83 }))).toBe(
    false,
  )
  expect(passes(by({ protocol: 'UDP' }), to(server, stranger, { protocol: 'udp', port: 5 }))).toBe(true)
  expect(passes(by({ protocol: 'TCP', port: 'web' }), to(server, stranger, { port: 8080 }))).toBe(true)
  expect(passes(by({ protocol: 'TCP', port: 'web' }), to(server, stranger, { port: 9090 }))).toBe(false)
  expect(passes(by({ protocol: 'TCP', port: 'none' }), to(server, stranger))).toBe(false)
})

test('what goes out is held to its own rules, and has to be let in too', () => {
  const out = (egress: NonNullable<NetworkPolicy['spec']['egress']>): NetworkPolicy[] => [
    onServer({ policyTypes: ['Egress'], egress }),
  ]
  expect(passes(out([]), to(second, server))).toBe(false)
  expect(passes(out([]), to(server, stranger)), 'what comes in is another type').toBe(true)
  const named = out([{ ports: [{ protocol: 'TCP', port: 'web' }] }])
  expect(passes(named, to(second, server, { port: 9090 }))).toBe(true)
  expect(passes(named, to(second, server, { port: 8080 }))).toBe(false)
  const toSecond = out([{ to: [{ podSelector: { matchLabels: { app: 'second' } } }] }])
  expect(passes(toSecond, to(second, server))).toBe(true)
  expect(passes(toSecond, to(client, server))).toBe(false)
  const noneIn: NetworkPolicy = { namespace: 'team', spec: { policyTypes: ['Ingress'] } }
  expect(passes([...toSecond, noneIn], to(second, server))).toBe(false)
})

test('a block is let in without its exceptions, whoever has the addresses; blocks of IPv6 concern nobody', () => {
  const block = (cidr: string, except?: string[]): NetworkPolicy[] => [
    onServer({ ingress: [{ from: [{ ipBlock: { cidr, ...(except === undefined ? {} : { except }) } }] }] }),
  ]
  expect(passes(block('192.0.2.0/24', ['192.0.2.8/31']), to(server, '192.0.2.7'))).toBe(true)
  expect(passes(block('192.0.2.0/24', ['192.0.2.8/31']), to(server, '192.0.2.9'))).toBe(false)
  expect(passes(block('192.0.2.0/24', ['192.0.2.8/31']), to(server, '192.0.2.10'))).toBe(true)
  expect(passes(block('10.0.2.0/24'), to(server, stranger))).toBe(true)
  expect(passes(block('::/0'), to(server, stranger))).toBe(false)
  expect(blocksOf('198.51.100.0/24', ['0.0.0.0/0'])).toEqual([])
  expect(blocksOf('198.51.100.7/24', ['203.0.113.0/24'])).toEqual(['198.51.100.0/24'])
  expect(blocksOf('255.255.255.254/31', ['255.255.255.254/32'])).toEqual(['255.255.255.255/32'])
})

test('selectors have expressions', () => {
  const by = (operator: string, values?: string[]) => ({
    matchExpressions: [{ key: 'app', operator, ...(values === undefined ? {} : { values }) }],
  })
  const labels: readonly Labels[] = [{ app: 'a' }, { app: 'c' }, {}]
  const answers = [by('In', ['a', 'b']), by('NotIn', ['a']), by('Exists'), by('DoesNotExist')].map(selector =>
    labels.map(each => selects(selector, each)),
  )
  expect(answers).toEqual([
    [true, false, false],
    [false, true, true],
    [true, true, false],
    [false, false, true],
  ])
  expect(() => selects(by('Gt', ['1']), { app: '2' })).toThrow('the operator Gt')
})

test('chains of pods that are gone are removed with the others written anew, at once', () => {
  const chains = [{ name: 'POLICIES', rules: ['-j RETURN'] }]
  expect(restoreInput(chains, ['POLICIES', 'POLICIES-IN-10.0.1.10']).split('\n')).toEqual([
    '*mangle',
    ':POLICIES - [0:0]',
    ':POLICIES-IN-10.0.1.10 - [0:0]',
    '-A POLICIES -j RETURN',
    '-X POLICIES-IN-10.0.1.10',
    'COMMIT',
    '',
  ])
})
