/**
 * An operator as a process of this machine in the cluster's network, with the rights that the chart gives, every write of
 * which is seen, and which can be killed at any of them. Its installed twin must not run at the same time.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProcess, waitUntil } from '../../targets/processes.ts'
import { letThisMachineIn, type OperatedCluster } from '../operated-cluster.ts'
import { operatorNamespace, release } from '../operator-chart.ts'
import type { KillPlan } from './gate.ts'
import type { Trouble } from './http-door.ts'

/** What the program is told when it starts. */
export interface WatchedOptions {
  readonly namespace: string
  readonly cluster: string
  readonly mostBrokers: number
  readonly mostMembers: number
  readonly server: string
  /** PEM. */
  readonly authority: string
  readonly token: string
  readonly environment: Readonly<Record<string, string>>
}

export type Order =
  | { readonly kind: 'follow'; readonly plan: KillPlan }
  | { readonly kind: 'trouble'; readonly trouble: Trouble }

export type Happening =
  | { readonly kind: 'started'; readonly log: string }
  | { readonly kind: 'write'; readonly write: string }
  | { readonly kind: 'killed'; readonly write: string; readonly when: 'before' | 'after' }
  /** By itself. */
  | { readonly kind: 'ended'; readonly exit: string; readonly output: string }

interface KubeconfigView {
  readonly clusters: readonly {
    readonly cluster: { readonly 'certificate-authority-data': string }
  }[]
}

export class WatchedOperator {
  readonly #process: RunningProcess
  readonly #happenings: Happening[] = []
  #lastWriteMs = performance.now()

  private constructor(command: readonly string[]) {
    const [program = '', ...args] = command
    this.#process = new RunningProcess(program, args, {
      onLine: line => {
        const happening = JSON.parse(line) as Happening
        this.#happenings.push(happening)
        if (happening.kind === 'write' || happening.kind === 'started') this.#lastWriteMs = performance.now()
      },
    })
  }

  /** Of the Cluster `kafka`; the chart must be installed, and its operator away. */
  static async start(
    operated: OperatedCluster,
    { mostBrokers = 5, mostMembers = 3 } = {},
  ): Promise<WatchedOperator> {
    const { kubernetes, namespace, image } = operated
    await letThisMachineIn(operated)
    const view = ['config', 'view', '--raw', '--flatten', '-o', 'json']
    const { clusters } = JSON.parse(await kubernetes.kubectl(view)) as KubeconfigView
    const authority = clusters[0]?.cluster['certificate-authority-data'] ?? ''
    const account = ['create', 'token', release, '--duration=2h']
    const options: WatchedOptions = {
      namespace,
      cluster: 'kafka',
      mostBrokers,
      mostMembers,
      server: kubernetes.insideServer,
      authority: Buffer.from(authority, 'base64').toString('utf8'),
      token: (await operated.kubectlIn(operatorNamespace, ...account)).trim(),
      environment: {
        // As a container that is started again in its pod: nobody waits for the lease.
        POD_NAME: 'watched-operator',
        POD_NAMESPACE: operatorNamespace,
        LEASE_NAME: release,
        WATCH_NAMESPACES: namespace,
        BROKER_IMAGE: image,
        ETCD_IMAGE: kubernetes.etcdImage,
        IMAGE_PULL_POLICY: kubernetes.way === 'kind' ? 'IfNotPresent' : 'Never',
        HTTP_PORT: '0',
        LOG_LEVEL: 'info',
      },
    }
    const program = join(import.meta.dirname, 'main.ts')
    const watched = new WatchedOperator([
      ...kubernetes.within,
      process.execPath,
      program,
      JSON.stringify(options),
    ])
    await waitUntil(
      () => `the watched operator starts; it said ${watched.#process.output}`,
      () => {
        if (watched.#process.hasEnded) throw new Error(watched.#process.output)
        return watched.#happenings.some(({ kind }) => kind === 'started') || undefined
      },
    )
    return watched
  }

  get writes(): readonly string[] {
    return this.#happenings.flatMap(each => (each.kind === 'write' ? [each.write] : []))
  }

  get kills(): readonly string[] {
    return this.#happenings.flatMap(each => (each.kind === 'killed' ? [`${each.when} ${each.write}`] : []))
  }

  /** Operators that ended by themselves, with what they said last. */
  get ends(): readonly string[] {
    return this.#happenings.flatMap(each => (each.kind === 'ended' ? [`${each.exit}: ${each.output}`] : []))
  }

  /** What operators logged, in JSON lines. */
  get log(): string {
    const started = this.#happenings.find(each => each.kind === 'started')
    // Made with the first line: a life that ends before has none, and its own error is what counts.
    return started !== undefined && existsSync(started.log) ? readFileSync(started.log, 'utf8') : ''
  }

  /** How long nothing has been written, and no operator started. */
  get quietMs(): number {
    return performance.now() - this.#lastWriteMs
  }

  /** From the next write on; counts begin anew. */
  follow(plan: KillPlan): void {
    this.#order({ kind: 'follow', plan })
  }

  /** On the way to the API server, until other trouble or none is made. */
  make(trouble: Trouble): void {
    this.#order({ kind: 'trouble', trouble })
  }

  async stop(): Promise<void> {
    await this.#process.stop(15_000)
  }

  #order(order: Order): void {
    this.#process.tell(JSON.stringify(order))
  }
}
