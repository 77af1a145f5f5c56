/** Clients from outside Kubernetes: through nodes, and through load balancers, whose provider the test plays. */
import { expect, test } from 'vitest'
import { run, waitUntil } from '../../targets/processes.ts'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { cluster, endsQuietly, numbered, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('listeners')
const partitions = 6

interface ToldListener {
  readonly name: string
  readonly bootstrap?: string
  readonly addresses: readonly string[]
}

async function told(name: string): Promise<ToldListener> {
  const { status } = await operated.kubernetes.get<{ status: { listeners: readonly ToldListener[] } }>([
    '-n',
    operated.namespace,
    'bnc/kafka',
  ])
  return status.listeners.find(each => each.name === name) ?? { name, addresses: [] }
}

/** kcat on this machine, which is outside the cluster. */
async function kcat(args: readonly string[], input = ''): Promise<string> {
  const { exit, stdout, stderr } = await run('kcat', args, { input })
  expect(exit, `kcat ${args.join(' ')}: ${stderr}`).toBe(0)
  return stdout
}

/** Every broker is told at its own address, whichever is asked, and is reached there: each leads some of the partitions. */
async function expectReached(addresses: readonly string[], name: string): Promise<void> {
  expect(new Set(addresses).size).toBe(3)
  for (const address of addresses) {
    const metadata = await kcat(['-L', '-b', address])
    for (const [id, each] of addresses.entries()) expect(metadata).toContain(`broker ${id} at ${each}`)
  }
  // By themselves they go back only after some minutes.
  await operated.kafkaTool('kafka-leader-election', '--election-type', 'preferred', '--all-topic-partitions')
  await waitUntil(
    'each broker leads partitions',
    async () => {
      const metadata = await kcat(['-L', '-b', addresses[0] ?? '', '-t', name])
      const leaders = [...metadata.matchAll(/partition \d+, leader (\d+)/g)].map(([, leader]) => leader)
      return new Set(leaders).size === 3 || undefined
    },
    { everyMs: 500 },
  )
  const from = ['-b', addresses[0] ?? '', '-t', name]
  for (let partition = 0; partition < partitions; partition++) {
    const record = numbered(partition, 1).join()
    await kcat(['-P', ...from, '-p', String(partition), '-X', 'acks=all'], `${record}\n`)
    const read = ['-C', ...from, '-p', String(partition), '-o', 'beginning', '-e', '-q']
    expect(await kcat(read)).toBe(`${record}\n`)
  }
}

const inside = '{name: internal, port: 9092}'
const nodes = '{name: nodes, port: 9094, type: NodePort}'
const balanced = '{name: balanced, port: 9095, type: LoadBalancer}'

test('through the nodes every broker is reached at the address that it tells', async () => {
  await operated.apply(
    cluster(`listeners: [${inside}, ${nodes}]`),
    ...['by-nodes', 'by-balancers'].map(name =>
      topic(name, `partitions: ${partitions}, replicationFactor: 3`),
    ),
  )
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/by-nodes', 'Ready', 'True')
  const { bootstrap = '', addresses } = await told('nodes')
  expect(await kcat(['-L', '-b', bootstrap])).toContain('3 brokers')
  await expectReached(addresses, 'by-nodes')
})

test('a load balancer is waited for before brokers restart for it, and what it gives is told to clients', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster(`listeners: [${inside}, ${nodes}, ${balanced}]`))
  const { message } = await operated.until('bnc/kafka', 'Progressing', 'True', 'Rolling')
  expect(message).toContain('Service kafka-balanced-0 has no address from a load balancer yet.')
  await operated.looked()
  expect(await operated.podUids()).toEqual(before)

  const given = await addressesOfNodes()
  const outcome = await underLoad(operated, 'checked', async () => {
    for (const [id, ip] of given.entries()) await giveAddress(`kafka-balanced-${id}`, { ip })
    await giveAddress('kafka-balanced-bootstrap', { hostname: 'kafka.example.test' })
    await operated.until('bnc/kafka', 'UpToDate', 'True')
    await operated.until('bnc/kafka', 'Ready', 'True')
  })
  expectNothingLost(outcome, { leastInSync: 2 })
  expect(await told('balanced')).toEqual({
    name: 'balanced',
    bootstrap: 'kafka.example.test:9095',
    addresses: given.map(ip => `${ip}:9095`),
  })
  expect((await operated.podUids()).filter(uid => before.includes(uid))).toEqual([])
  await expectReached((await told('balanced')).addresses, 'by-balancers')
})

endsQuietly(operated)

/** Kubernetes takes what comes for them to a Service's port: as good as the address of a load balancer. */
async function addressesOfNodes(): Promise<readonly string[]> {
  const path = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}'
  const all = await operated.kubernetes.kubectl(['get', 'nodes', '-o', `jsonpath=${path}`])
  return all.split(' ').slice(0, 3)
}

async function giveAddress(service: string, ingress: object): Promise<void> {
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [ingress] } } })
  await operated.kubectl('patch', 'service', service, '--subresource=status', '--type=merge', '-p', status)
}
