/**
 * Network policies in force: a Cluster works, those who are let in use it, and others get no connection. Whoever is refused is
 * let in at last, and gets through: it was the policy that kept it out.
 */
import { beforeAll, expect, test } from 'vitest'
import { etcdPorts, hosts, ports } from '../../../operator/resources/names.ts'
import { waitUntil } from '../../targets/processes.ts'
import { kafkajsIn, type PodName, startClientPod, tryAll, tryFrom } from '../client-pods.ts'
import { useKubernetes } from '../fixture.ts'
import { withMembers } from '../members-of-etcd.ts'
import { topic, useOperator } from '../operated-cluster.ts'
import { operatorNamespace } from '../operator-chart.ts'

const operated = useOperator('policies')
const clients = useKubernetes('clients')
const strangers = useKubernetes('strangers')

let client: PodName
let stranger: PodName

const inNamespace = (name: string): object => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
})

const clusterFor = (namespaces: readonly string[]): string =>
  withMembers(
    3,
    `listeners: ${JSON.stringify([
      { name: 'internal', port: 9092, allowFrom: namespaces.map(inNamespace) },
      { name: 'nobody', port: 9095, allowFrom: [] },
    ])}`,
  )

const at = (): { name: string; namespace: string; clusterDomain: string } => ({
  name: 'kafka',
  namespace: operated.namespace,
  clusterDomain: 'cluster.local',
})
const broker = (port: number): string => `${hosts.broker(at(), 1)}:${port}`
const etcd = (port: number): string => `${hosts.etcdMember(at(), 1)}:${port}`

/** What only brokers, etcd and the operator use among themselves, and a listener that is nobody's. */
const closedPorts = (): readonly string[] => [
  ...[ports.control, ports.brokers, 9095].map(broker),
  ...[etcdPorts.client, etcdPorts.peer].map(etcd),
]
const openPorts = (): readonly string[] => [broker(ports.http), etcd(etcdPorts.metrics)]
const listener = (): readonly string[] => [broker(9092), operated.bootstrap]

const all = (targets: readonly string[], how: string): Readonly<Record<string, string>> =>
  Object.fromEntries(targets.map(target => [target, how]))

/** What was written to the API server a moment ago is in force a moment later. */
async function soon(from: PodName, targets: readonly string[], how: string): Promise<void> {
  let last = {}
  await waitUntil(
    () =>
      `${from.pod} of ${from.namespace} finds ${how} at ${targets.join()}; it found ${JSON.stringify(last)}`,
    async () => {
      last = await tryFrom(operated.kubernetes, from, targets)
      return Object.values(last).every(each => each === how) || undefined
    },
  )
}

beforeAll(async () => {
  await operated.apply(
    clusterFor([clients.namespace]),
    topic('orders', 'partitions: 6, replicationFactor: 3'),
  )
  client = await startClientPod(clients, 'client')
  // A name that anybody may give to a pod of their own.
  stranger = await startClientPod(strangers, 'stranger', { 'app.kubernetes.io/name': 'barnabas-operator' })
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
})

test('clients of a namespace that is let in produce to all replicas and consume', async () => {
  expect(await kafkajsIn(operated.kubernetes, client, [operated.bootstrap, 'orders', '60'])).toBe(
    '60 records',
  )
  const policies = await operated.kubectl('get', 'networkpolicy', '-o', 'name')
  expect(policies.trim().split('\n')).toHaveLength(2)
})

test('brokers and the operator reach what they need; anybody, as Prometheus, reads metrics', async () => {
  const operatorPods = [
    '-l',
    'app.kubernetes.io/name=barnabas-operator',
    '-o',
    'jsonpath={.items[0].metadata.name}',
  ]
  const operator = {
    namespace: operatorNamespace,
    pod: await operated.kubectlIn(operatorNamespace, 'get', 'pods', ...operatorPods),
  }
  const used = [broker(ports.control), broker(ports.brokers), etcd(etcdPorts.client)]
  for (const from of [operator, { namespace: operated.namespace, pod: 'kafka-brokers-0' }]) {
    expect(await tryFrom(operated.kubernetes, from, used), from.pod).toEqual(all(used, 'connected'))
  }
  for (const from of [client, stranger]) {
    expect(await tryFrom(operated.kubernetes, from, openPorts())).toEqual(all(openPorts(), 'connected'))
    for (const target of openPorts()) {
      const scrape = `fetch('http://${target}/metrics').then(answer => console.log(answer.status))`
      const exec = ['exec', from.pod, '--', '/usr/local/bin/node', '-e', scrape]
      expect((await operated.kubectlIn(from.namespace, ...exec)).trim(), target).toBe('200')
    }
  }
})

test('others get no connection, neither clients nor whoever calls itself an operator in a namespace of its own', async () => {
  expect(await tryFrom(operated.kubernetes, client, closedPorts())).toEqual(all(closedPorts(), 'timeout'))
  expect(await tryFrom(operated.kubernetes, client, listener())).toEqual(all(listener(), 'connected'))
  const closed = [...closedPorts(), ...listener()]
  expect(await tryFrom(operated.kubernetes, stranger, closed)).toEqual(all(closed, 'timeout'))
})

test('whoever the Cluster names in allowFrom gets through, without a restart, and only there', async () => {
  const before = await operated.podUids()
  await operated.apply(clusterFor([clients.namespace, strangers.namespace]))
  await soon(stranger, listener(), 'connected')
  expect(await kafkajsIn(operated.kubernetes, stranger, [operated.bootstrap, 'orders', '1'])).toMatch(
    /records$/,
  )
  expect(await tryFrom(operated.kubernetes, stranger, closedPorts())).toEqual(all(closedPorts(), 'timeout'))
  await operated.apply(clusterFor([clients.namespace]))
  await soon(stranger, listener(), 'timeout')
  expect(await operated.podUids()).toEqual(before)
})

test('all that was closed is reached once one more policy opens it, and not after that is gone', async () => {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'open' },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ from: [inNamespace(strangers.namespace)] }],
    },
  }
  await operated.apply(JSON.stringify(policy))
  const closed = [...closedPorts(), ...listener()]
  await soon(stranger, closed, 'connected')
  expect(await tryFrom(operated.kubernetes, client, closedPorts())).toEqual(all(closedPorts(), 'timeout'))
  await operated.kubectl('delete', 'networkpolicy', 'open')
  await soon(stranger, closed, 'timeout')
})

test('a pod is held to policies from its first packet on', async () => {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'held' },
    spec: { podSelector: { matchLabels: { held: 'yes' } }, policyTypes: ['Egress'], egress: [] },
  }
  const { kubernetes, namespace, image } = strangers
  await kubernetes.apply(JSON.stringify(policy), ['-n', namespace])
  const address = await operated.kubectlIn(
    client.namespace,
    'get',
    'pod',
    client.pod,
    '-o',
    'jsonpath={.status.podIP}',
  )
  const target = `${address}:8000`
  const first = async (name: string, labels: Readonly<Record<string, string>>): Promise<string> => {
    const command = ['/usr/local/bin/node', '-e', tryAll, target]
    const imagePullPolicy = kubernetes.way === 'kind' ? 'IfNotPresent' : 'Never'
    const container = { name: 'first', image, imagePullPolicy, command }
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec: { restartPolicy: 'Never', containers: [container] },
    }
    await kubernetes.apply(JSON.stringify(object), ['-n', namespace])
    const ended = ['wait', 'pod', name, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s']
    await operated.kubectlIn(namespace, ...ended)
    return kubernetes.logs(namespace, name)
  }
  const [free, held] = await Promise.all([first('free', {}), first('held', { held: 'yes' })])
  expect(JSON.parse(free)).toEqual({ [target]: 'connected' })
  expect(JSON.parse(held)).toEqual({ [target]: 'timeout' })
})
