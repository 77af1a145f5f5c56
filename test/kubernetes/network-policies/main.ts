/**
 * node test/kubernetes/network-policies/main.ts CLUSTER NODES: NetworkPolicies in force on all nodes of a cluster made from
 * packages. Its socket, where the plugin tells of pods, is there once nothing passes any more that is not allowed. KUBECONFIG
 * says where the API server is. Ends when it fails: then no pod starts, and the kubelet says so.
 */
import { renameSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { ApiServer } from '../../../operator/kube/api-server.ts'
import { loadAccess } from '../../../operator/kube/credentials.ts'
import { Informer } from '../../../operator/kube/informer.ts'
import type { Kind } from '../../../operator/kube/paths.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { createLogger } from '../../../runtime/logger.ts'
import { systemRandom } from '../../../runtime/random.ts'
import { restoreAtFirst } from '../../support/network-policies.ts'
import { planCluster, policySocketOf } from '../addresses.ts'
import { must } from '../commands.ts'
import { type Announcement, Enforcer, type PolicyNode } from './enforcer.ts'

const [number = '0', nodeCount = '1'] = process.argv.slice(2)
const plan = planCluster(Number(number), Number(nodeCount))
const namespaceOf = new Map(plan.nodes.map(({ name, namespace }) => [name, namespace]))

const parts = {
  api: new ApiServer(await loadAccess(process.env, systemClock)),
  clock: systemClock,
  random: systemRandom,
  logger: createLogger('info'),
}
const informerOf = (kind: Kind): Informer => new Informer(kind, {}, parts)
const pods = informerOf({ apiVersion: 'v1', kind: 'Pod' })
const namespaces = informerOf({ apiVersion: 'v1', kind: 'Namespace' })
const policies = informerOf({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' })
const informers = [pods, namespaces, policies]

async function onNode(node: PolicyNode, command: readonly string[], input = ''): Promise<void> {
  await must('nsenter', [`--net=/run/netns/${namespaceOf.get(node.name)}`, ...command], { input })
}

const restore = (node: PolicyNode, input: string): Promise<void> =>
  onNode(node, ['iptables-restore', '--noflush', '--wait', '10'], input)

const nodes = plan.nodes.map(({ name, podNetwork }) => ({ name, prefix: podNetwork.replace(/\d+\/24$/, '') }))
const enforcer = new Enforcer(
  nodes,
  {
    pod: key => pods.get(key),
    namespaces: () => namespaces.all(),
    policies: () => policies.all(),
  },
  restore,
)

for (const informer of informers) informer.start()
await Promise.all(informers.map(informer => informer.listed()))
for (const node of nodes) {
  await restore(node, restoreAtFirst)
  // Without it, packets between pods of one node pass no iptables.
  await onNode(node, ['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1'])
}
await enforcer.update()
for (const informer of informers) informer.onChange(() => void enforcer.update().catch(end))

const socket = policySocketOf(plan)
const server = createServer({ allowHalfOpen: true }, connection => void answer(connection))
server.listen(`${socket}.new`, () => renameSync(`${socket}.new`, socket))

/** One line is asked: an announcement; one is answered: nothing, or what was wrong. */
async function answer(connection: Socket): Promise<void> {
  connection.on('error', () => {}) // whoever asked has ended
  for await (const line of createInterface({ input: connection })) {
    const said = await enforcer.hear(JSON.parse(line) as Announcement).then(() => '', String)
    connection.end(`${said}\n`)
    return
  }
}

function end(error: unknown): void {
  console.error(error)
  process.exit(1)
}
