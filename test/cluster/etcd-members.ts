/** Real etcd processes, one or three, each on its own node of the network or on loopback. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProcess, freePorts, run, waitUntil } from '../targets/processes.ts'
import type { ClusterNetwork, NetworkNode } from './network.ts'

export class EtcdMember {
  readonly name: string
  readonly node: NetworkNode | null
  readonly clientUrl: string
  readonly peerUrl: string
  readonly #directory: string
  readonly #core: number | undefined
  #process: RunningProcess | null = null
  #paused = false
  #cluster = ''

  constructor(
    name: string,
    at: { host: string; clientPort: number; peerPort: number; node: NetworkNode | null },
    directory: string,
    core: number | undefined,
  ) {
    this.name = name
    this.node = at.node
    this.clientUrl = `http://${at.host}:${at.clientPort}`
    this.peerUrl = `http://${at.host}:${at.peerPort}`
    this.#directory = directory
    this.#core = core
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  get isRunning(): boolean {
    return this.#process !== null && !this.#process.hasEnded
  }

  get isPaused(): boolean {
    return this.#paused
  }

  get pid(): number {
    return this.#running().pid
  }

  get output(): string {
    return this.#process?.output ?? ''
  }

  /** Starts the process; `members` only counts when its directory is empty. */
  spawn(members: readonly EtcdMember[] = []): void {
    if (this.isRunning) throw new Error(`The etcd member ${this.name} runs already.`)
    if (members.length > 0) this.#cluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
    const args = ['--name', this.name, '--data-dir', this.#directory, '--logger', 'zap']
    args.push('--listen-client-urls', this.clientUrl, '--advertise-client-urls', this.clientUrl)
    args.push('--listen-peer-urls', this.peerUrl, '--initial-advertise-peer-urls', this.peerUrl)
    args.push('--initial-cluster', this.#cluster, '--initial-cluster-state', 'new')
    this.#paused = false
    this.#process = new RunningProcess('etcd', args, {
      ...(this.node === null ? {} : { within: this.node.within }),
      ...(this.#core === undefined ? {} : { core: this.#core }),
    })
  }

  async kill(): Promise<void> {
    const running = this.#running()
    running.kill('SIGKILL')
    await running.ended
    this.#paused = false
  }

  pause(): void {
    this.#running().kill('SIGSTOP')
    this.#paused = true
  }

  continue(): void {
    this.#running().kill('SIGCONT')
    this.#paused = false
  }

  #running(): RunningProcess {
    if (this.#process === null) throw new Error(`The etcd member ${this.name} was not started.`)
    return this.#process
  }
}

export class EtcdMembers {
  readonly members: readonly EtcdMember[]

  private constructor(members: readonly EtcdMember[]) {
    this.members = members
  }

  static async start(
    count: number,
    directory: string,
    { network, core }: { readonly network: ClusterNetwork | null; readonly core?: number | undefined },
  ): Promise<EtcdMembers> {
    const members: EtcdMember[] = []
    for (let number = 1; number <= count; number++) {
      const name = `etcd${number}`
      const node = (await network?.add(name)) ?? null
      const [clientPort = 0, peerPort = 0] = node === null ? await freePorts(2) : [2379, 2380]
      const at = { host: node?.address ?? '127.0.0.1', clientPort, peerPort, node }
      members.push(new EtcdMember(name, at, join(directory, name), core))
    }
    for (const member of members) member.spawn(members)
    const etcd = new EtcdMembers(members)
    await etcd.healthy()
    return etcd
  }

  get clientUrls(): readonly string[] {
    return this.members.map(({ clientUrl }) => clientUrl)
  }

  get pids(): readonly number[] {
    return this.members.filter(({ isRunning }) => isRunning).map(({ pid }) => pid)
  }

  /** Waits until every member has a leader and commits. */
  async healthy(): Promise<void> {
    await waitUntil(
      () => `etcd is healthy; it said: ${this.members.map(({ output }) => output.slice(-800)).join('\n')}`,
      async () => {
        const { exit } = await this.#ctl(['endpoint', 'health'], this.clientUrls)
        return exit === 0 || undefined
      },
      { deadlineMs: 30_000, everyMs: 100 },
    )
  }

  async leader(): Promise<EtcdMember> {
    return await waitUntil('etcd has a leader', async () => {
      for (const member of this.members) {
        const { exit, stdout } = await this.#ctl(['endpoint', 'status', '-w', 'json'], [member.clientUrl])
        if (exit !== 0) continue
        const [answer] = JSON.parse(stdout) as { Status: { header: { member_id: number }; leader: number } }[]
        if (answer?.Status.leader === answer?.Status.header.member_id) return member
      }
      return undefined
    })
  }

  /** Forgets all revisions but the newest, as a periodic compaction does. Members that were just started may have no leader yet. */
  async compact(): Promise<void> {
    let said = ''
    await waitUntil(
      () => `etcd is compacted; etcdctl said: ${said}`,
      async () => {
        const { clientUrl } = await this.leader()
        const { stdout } = await this.#ctl(['endpoint', 'status', '-w', 'json'], [clientUrl])
        const revision = /"revision":(\d+)/.exec(stdout)?.[1]
        if (revision === undefined) return undefined
        const { exit, stderr } = await this.#ctl(['compact', revision], [clientUrl])
        said = stderr
        // etcdctl asks again when an answer is late: then it may be done already.
        return exit === 0 || stderr.includes('has been compacted') || undefined
      },
      { everyMs: 100 },
    )
  }

  /** The value of a key that ends so; null when there is none. */
  async valueOfKeyThatEnds(prefix: string, ending: string): Promise<string | null> {
    const { exit, stdout } = await this.#ctl(['get', prefix, '--prefix'], this.clientUrls)
    if (exit !== 0) return null
    const lines = stdout.split('\n')
    const at = lines.findIndex((line, index) => index % 2 === 0 && line.endsWith(ending))
    return at < 0 ? null : (lines[at + 1] ?? null)
  }

  async dispose(): Promise<void> {
    for (const member of this.members) if (member.isRunning) await member.kill()
  }

  #ctl(args: readonly string[], endpoints: readonly string[]): ReturnType<typeof run> {
    const common = [`--endpoints=${endpoints.join(',')}`, '--dial-timeout=1s', '--command-timeout=2s']
    return run('etcdctl', [...common, ...args], { environment: { ETCDCTL_API: '3' } })
  }
}
