/**
 * The wires of a cluster made from packages. The control plane and every node have a network namespace of their own; the
 * control plane's is the router between nodes, and a link leads from it to the machine, so that tests reach the API server,
 * Services and pods directly. There is no default route in it: nothing leaves the machine.
 *
 *   machine ──── control plane ──┬── node1: bridge ── pods
 *                                ├── node2: bridge ── pods
 */
import type { ClusterPlan, NodePlan } from './addresses.ts'
import { must } from './commands.ts'
import type { ClusterRecord } from './record.ts'

export async function layNetwork(plan: ClusterPlan, record: ClusterRecord): Promise<void> {
  const { name, hostAddress, controlAddress } = plan
  await addNamespace(name, record)
  record.write({ kind: 'link', name: `${name}h` })
  await must('ip', ['link', 'add', `${name}h`, 'type', 'veth', 'peer', 'name', 'host', 'netns', name])
  await must('ip', ['addr', 'add', `${hostAddress}/30`, 'dev', `${name}h`])
  await must('ip', ['link', 'set', `${name}h`, 'up'])
  await inside(name, `addr add ${controlAddress}/30 dev host`, 'link set host up')
  for (const network of [plan.podNetwork, plan.serviceNetwork]) {
    await must('ip', ['route', 'add', network, 'via', controlAddress])
  }
  await forwardPackets(name)
  for (const node of plan.nodes) await layNode(plan, node, record)
}

async function layNode(plan: ClusterPlan, node: NodePlan, record: ClusterRecord): Promise<void> {
  const { namespace, linkControl, linkNode, address } = node
  await addNamespace(namespace, record)
  await must('ip', [
    '-n',
    plan.name,
    'link',
    'add',
    node.name,
    'type',
    'veth',
    'peer',
    'name',
    'uplink',
    'netns',
    namespace,
  ])
  await inside(plan.name, `addr add ${linkControl}/30 dev ${node.name}`, `link set ${node.name} up`)
  await inside(
    namespace,
    `addr add ${linkNode}/30 dev uplink`,
    'link set uplink up',
    'link add pods type bridge',
    `addr add ${address}/24 dev pods`,
    'link set pods up',
    // A bridge without ports has no carrier, and some kernels have no `dummy` devices.
    'link add port type veth peer name port-end',
    'link set port master pods',
    'link set port up',
    'link set port-end up',
    `route add default via ${linkControl} src ${address}`,
  )
  await inside(plan.name, `route add ${node.podNetwork} via ${linkNode}`)
  if (node.number === 1) await inside(plan.name, `route add ${plan.serviceNetwork} via ${linkNode}`)
  await forwardPackets(namespace)
}

async function addNamespace(name: string, record: ClusterRecord): Promise<void> {
  record.write({ kind: 'namespace', name })
  await must('ip', ['netns', 'add', name])
  await inside(name, 'link set lo up')
}

async function inside(namespace: string, ...commands: readonly string[]): Promise<void> {
  await must('ip', ['-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` })
}

async function forwardPackets(namespace: string): Promise<void> {
  const settings = [
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.default.rp_filter=0',
  ]
  await must('nsenter', [`--net=/run/netns/${namespace}`, 'sysctl', '-qw', ...settings])
}
