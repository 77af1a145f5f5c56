/**
 * Network namespaces joined by a bridge: one for each broker and etcd member, so that any of them can be cut off while it
 * runs. Only inside `isolated.ts`: the bridge and the names live in namespaces that vanish with the run, however it ends.
 *
 * A cut loses packets without a word, as a failed switch does: the sender's neighbour table gets an address that nobody has,
 * or the node's port leaves the bridge. Both need nothing but iproute2.
 */
import { run } from '../targets/processes.ts'

const prefix = '10.77.0'
const bridge = 'barnabas'
const nobody = '02:00:00:00:00:fe'

/** Set by isolated.ts for what it runs. */
const isolationMark = 'TEST_ISOLATED'

export interface NetworkNode {
  readonly name: string
  readonly address: string
  /** Words before a command that is to run on this node. */
  readonly within: readonly string[]
}

export class ClusterNetwork {
  #nodes = 0
  readonly #port = new Map<NetworkNode, string>()

  /** One at a time in a run. */
  static async create(): Promise<ClusterNetwork> {
    if (process.env[isolationMark] === undefined) {
      throw new Error(
        'Networks are made only in namespaces of their own: run this through test/cluster/isolated.ts.',
      )
    }
    await ip('link', 'add', bridge, 'type', 'bridge')
    await ip('address', 'add', `${prefix}.1/24`, 'dev', bridge)
    await ip('link', 'set', bridge, 'up')
    return new ClusterNetwork()
  }

  /** A new node, at most 200; `name` is unique among those that are there. */
  async add(name: string): Promise<NetworkNode> {
    const number = ++this.#nodes
    const port = `port${number}`
    const node: NetworkNode = {
      name,
      address: `${prefix}.${10 + number}`,
      within: ['nsenter', `--net=/run/netns/${name}`],
    }
    await ip('netns', 'add', name)
    await ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    await ip('link', 'set', port, 'master', bridge, 'up')
    await onNode(node, 'link', 'set', 'lo', 'up')
    await onNode(node, 'address', 'add', `${node.address}/24`, 'dev', 'eth0')
    await onNode(node, 'link', 'set', 'eth0', 'up')
    this.#port.set(node, port)
    return node
  }

  /** Nothing reaches the node, and nothing of it reaches anybody. */
  async cutOff(node: NetworkNode): Promise<void> {
    await ip('link', 'set', this.#portOf(node), 'nomaster')
  }

  async rejoin(node: NetworkNode): Promise<void> {
    await ip('link', 'set', this.#portOf(node), 'master', bridge)
  }

  /** What `from` sends to these nodes is lost; what they send still reaches it. */
  async lose(from: NetworkNode, to: readonly NetworkNode[]): Promise<void> {
    for (const { address } of to) {
      await onNode(from, 'neighbour', 'replace', address, 'lladdr', nobody, 'dev', 'eth0', 'nud', 'permanent')
    }
  }

  async deliver(from: NetworkNode, to: readonly NetworkNode[]): Promise<void> {
    for (const { address } of to) await onNode(from, 'neighbour', 'del', address, 'dev', 'eth0')
  }

  /** Removes everything; what still runs on the nodes has no network any more. */
  async remove(): Promise<void> {
    for (const [node, port] of this.#port) {
      await ip('link', 'del', port)
      await ip('netns', 'del', node.name)
    }
    this.#port.clear()
    await ip('link', 'del', bridge)
  }

  #portOf(node: NetworkNode): string {
    const port = this.#port.get(node)
    if (port === undefined) throw new Error(`There is no node ${node.name} in this network.`)
    return port
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await command('ip', args)
}

async function onNode(node: NetworkNode, ...args: readonly string[]): Promise<void> {
  const [program = '', ...rest] = node.within
  await command(program, [...rest, 'ip', ...args])
}

async function command(program: string, args: readonly string[]): Promise<void> {
  const { exit, stderr } = await run(program, args)
  if (exit !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr.trim()}`)
}
