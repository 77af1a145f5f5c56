/**
 * A Kubernetes under test, the same face whichever way it was made: `kind` where Docker works, else from packages. Commands
 * are real kubectl and real helm.
 */
import { delimiter, dirname } from 'node:path'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import {
  type CommandOptions,
  type CommandResult,
  RunningProcess,
  run,
  waitUntil,
} from '../targets/processes.ts'
import { must } from './commands.ts'
import { type HelmVersion, npmTools } from './npm-tools.ts'

/** All there is to know about a standing cluster; plain data, so that it can be handed from process to process. */
export interface ClusterDescription {
  readonly way: 'kind' | 'packages'
  readonly kubeconfig: string
  /** Names of nodes, each in a zone of its own as far as three zones go. */
  readonly nodes: readonly string[]
  /** Image of etcd that nodes have or can pull. */
  readonly etcdImage: string
  /** Commands that, followed by a docker archive's path, give it to every node. */
  readonly importCommands: readonly (readonly string[])[]
  /** Log of all writes to the API server; absent where the cluster keeps none. */
  readonly auditLog?: string
  /** URL by which the API server is reached through `inside`. */
  readonly insideServer: string
  /** Address by which this machine reaches what runs in the cluster's network through `inside`. */
  readonly insideAddress: string
  /** Addresses from which pods are reached through `inside`, as a CIDR. */
  readonly insideNetwork: string
  /** What to put before a command of this machine so that it runs in the cluster's network, with the cluster's names. */
  readonly inside: readonly string[]
  /** The same as one would type it. */
  readonly insideAsTyped: string
  /** What removes the cluster when it was left standing, as one would type it. */
  readonly takeDown: string
}

/** A cluster and how to remove it. */
export interface StartedCluster {
  readonly description: ClusterDescription
  stop(): Promise<void>
}

export class Kubernetes {
  readonly #cluster: ClusterDescription

  constructor(cluster: ClusterDescription) {
    this.#cluster = cluster
  }

  get way(): ClusterDescription['way'] {
    return this.#cluster.way
  }

  get kubeconfig(): string {
    return this.#cluster.kubeconfig
  }

  /** Address by which the test reaches what it started with `startInside`. */
  get insideAddress(): string {
    return this.#cluster.insideAddress
  }

  /** URL of the API server for what runs inside. */
  get insideServer(): string {
    return this.#cluster.insideServer
  }

  /** What NetworkPolicies have to let in for what runs inside. */
  get insideNetwork(): string {
    return this.#cluster.insideNetwork
  }

  /** What to put before a command so that it runs in the cluster's network; see `runInside`. */
  get within(): readonly string[] {
    return this.#cluster.inside
  }

  get etcdImage(): string {
    return this.#cluster.etcdImage
  }

  get auditLog(): string | undefined {
    return this.#cluster.auditLog
  }

  get nodes(): readonly string[] {
    return this.#cluster.nodes
  }

  /** Standard output of kubectl; throws with what it said when it fails. */
  async kubectl(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { kubectl } = await npmTools()
    return must(kubectl, args, this.#options(options))
  }

  /** For commands that may be refused. */
  async tryKubectl(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const { kubectl } = await npmTools()
    return run(kubectl, args, this.#options(options))
  }

  /** kubectl that runs on; the caller ends it. */
  async startKubectl(args: readonly string[]): Promise<RunningProcess> {
    const { kubectl } = await npmTools()
    return new RunningProcess(kubectl, args, this.#options({}))
  }

  async helm(version: HelmVersion, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { helm } = await npmTools(version)
    return must(helm, args, this.#options(options))
  }

  async tryHelm(
    version: HelmVersion,
    args: readonly string[],
    options: CommandOptions = {},
  ): Promise<CommandResult> {
    const { helm } = await npmTools(version)
    return run(helm, args, this.#options(options))
  }

  /** A line of shell in the repository's folder, as people type it: kubectl and helm are on the PATH. `within`: see there. */
  async shell(line: string, within: readonly string[] = []): Promise<string> {
    const path = [...(await this.toolFolders()), process.env['PATH'] ?? ''].join(delimiter)
    return must('bash', ['-o', 'pipefail', '-c', line], {
      within,
      directory: repositoryRoot,
      environment: { KUBECONFIG: this.kubeconfig, PATH: path },
      timeoutMs: 360_000,
    })
  }

  /** Where kubectl and helm are. */
  async toolFolders(): Promise<readonly string[]> {
    const { kubectl, helm } = await npmTools()
    return [kubectl, helm].map(dirname)
  }

  /** One object, or a list, as the API server has it. */
  async get<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(['get', ...args, '-o', 'json'])) as T
  }

  /** Applies manifests given as text. */
  apply(manifests: string, args: readonly string[] = []): Promise<string> {
    return this.kubectl(['apply', '-f', '-', ...args], { input: manifests })
  }

  /** What a pod's containers printed, or a sentence when there is nothing to read. */
  async logs(namespace: string, pod: string): Promise<string> {
    const { stdout, stderr } = await this.tryKubectl(['-n', namespace, 'logs', '--all-containers', pod])
    return stdout === '' ? stderr : stdout
  }

  /** Gives an image to every node; pods name it with `imagePullPolicy: Never`. */
  async importImage(archive: string): Promise<void> {
    await Promise.all(
      this.#cluster.importCommands.map(([program, ...args]) =>
        must(program ?? '', [...args, archive], { timeoutMs: 300_000 }),
      ),
    )
  }

  /**
   * Runs a program of this machine (kcat, java, node) in the cluster's network: it reaches pods and Services by name. To
   * NetworkPolicies it is no pod but an address.
   */
  runInside(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const [program, ...args] = command as [string, ...string[]]
    return run(program, args, { ...options, within: this.within })
  }

  /** The same for a program that runs on; the caller ends it. */
  startInside(command: readonly string[]): RunningProcess {
    const [program, ...args] = command as [string, ...string[]]
    return new RunningProcess(program, args, { within: this.within })
  }

  /** A port of 127.0.0.1 that leads to a port of `target` (pod/NAME, service/NAME), until `close`. */
  async forward(namespace: string, target: string, port: number): Promise<Forward> {
    const args = ['-n', namespace, 'port-forward', '--address', '127.0.0.1', target, `:${port}`]
    const forward = await this.startKubectl(args)
    const local = await waitUntil(
      () => `${target} is forwarded; kubectl said: ${forward.output}`,
      () => {
        if (forward.hasEnded) throw new Error(`kubectl port-forward ended: ${forward.output}`)
        return /127\.0\.0\.1:(\d+) ->/.exec(forward.output)?.[1]
      },
    )
    return {
      host: '127.0.0.1',
      port: Number(local),
      close: async () => void (await forward.stop(5_000)),
    }
  }

  /** A namespace of its own, so that tests on one cluster do not meet. */
  async makeNamespace(prefix: string): Promise<string> {
    const name = `${prefix}-${Math.random().toString(36).slice(2, 8)}`
    await this.kubectl(['create', 'namespace', name])
    return name
  }

  #options(options: CommandOptions): CommandOptions {
    return {
      timeoutMs: 180_000,
      ...options,
      environment: { ...options.environment, KUBECONFIG: this.kubeconfig },
    }
  }
}

export interface Forward {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}
