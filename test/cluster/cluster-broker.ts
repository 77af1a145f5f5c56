/** One broker of a cluster under test: its process, its directory, its place in the network. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Target, kafkaJavaOptions } from '../targets/broker.ts'
import { type KafkaJava, repositoryRoot } from '../targets/kafka-jars.ts'
import { RunningProcess, run, waitUntil } from '../targets/processes.ts'
import type { NetworkNode } from './network.ts'
import { askCluster } from './questions.ts'

/** Where a broker is reached; on loopback the ports differ, in networks of their own the addresses. */
export interface BrokerPlace {
  readonly host: string
  readonly port: number
  /** Of Kafka's controller listener; of our listener for brokers. */
  readonly internalPort: number
  readonly controlPort: number
  readonly httpPort: number
  /** Null on loopback. */
  readonly node: NetworkNode | null
}

export interface ClusterBrokerOptions {
  readonly target: Target
  readonly id: number
  readonly place: BrokerPlace
  /** All of server.properties. */
  readonly settings: Readonly<Record<string, string>>
  /** Beside the data directory of the broker. */
  readonly directory: string
  readonly java: KafkaJava | null
  readonly core?: number
  readonly heap: string
  readonly built: boolean
}

export class ClusterBroker {
  readonly id: number
  readonly place: BrokerPlace
  /** Where a small disk is mounted, if any. */
  readonly diskDirectory: string
  readonly logDirectory: string
  readonly #options: ClusterBrokerOptions
  #process: RunningProcess | null = null
  #paused = false
  /** Of processes before the one that runs. */
  #earlierOutput = ''

  constructor(options: ClusterBrokerOptions) {
    this.#options = options
    this.id = options.id
    this.place = options.place
    this.diskDirectory = join(options.directory, 'data')
    this.logDirectory = join(this.diskDirectory, 'logs')
    mkdirSync(this.diskDirectory, { recursive: true })
    const lines = Object.entries(options.settings).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(this.#propertiesFile, lines.join(''))
  }

  get name(): string {
    return `broker ${this.id}`
  }

  get address(): string {
    return `${this.place.host}:${this.place.port}`
  }

  get pid(): number {
    return this.#running().pid
  }

  get isRunning(): boolean {
    return this.#process !== null && !this.#process.hasEnded
  }

  get isPaused(): boolean {
    return this.#paused
  }

  /** The last part of what all its processes printed. */
  get output(): string {
    return this.#earlierOutput + (this.#process?.output ?? '')
  }

  /** Apache Kafka's directories are formatted before the first start. */
  async format(clusterId: string): Promise<void> {
    if (this.#options.java === null) return
    const tool = ['-XX:TieredStopAtLevel=1', '-cp', this.#options.java.classPath, 'kafka.tools.StorageTool']
    const command = [...tool, 'format', '--cluster-id', clusterId, '--config', this.#propertiesFile]
    const formatted = await run('java', command)
    if (formatted.exit !== 0) throw new Error(`StorageTool: ${formatted.stdout}${formatted.stderr}`)
  }

  /** Starts the process and waits for nothing. */
  spawn(): void {
    if (this.isRunning) throw new Error(`The ${this.name} runs already.`)
    this.#earlierOutput = this.output.slice(-200_000)
    this.#paused = false
    const { core, java, heap, built, place, directory } = this.#options
    const surroundings = {
      directory,
      ...(core === undefined ? {} : { core }),
      ...(place.node === null ? {} : { within: place.node.within }),
    }
    if (java !== null) {
      const options = [`-Xmx${heap}`, `-Xms${heap}`, ...kafkaJavaOptions]
      const command = [...options, '-cp', java.classPath, 'kafka.Kafka', this.#propertiesFile]
      this.#process = new RunningProcess('java', command, surroundings)
    } else {
      const main = built ? join('dist', 'broker', 'main.js') : join('broker', 'main.ts')
      const command = [join(repositoryRoot, main), '--config', this.#propertiesFile]
      this.#process = new RunningProcess(process.execPath, command, surroundings)
    }
  }

  /** Starts the process and waits until it tells of itself as a broker that clients may use. */
  async start(): Promise<void> {
    this.spawn()
    await waitUntil(
      () => `${this.name} answers at ${this.address}; it said: ${this.output.slice(-3_000)}`,
      async () => {
        if (!this.isRunning)
          throw new Error(`The ${this.name} ended at its start: ${this.output.slice(-3_000)}`)
        const view = await askCluster(this.place, []).catch(() => null)
        return view?.brokers.some(({ id }) => id === this.id) || undefined
      },
      { deadlineMs: 90_000, everyMs: 50 },
    )
  }

  /** kill -9, and waits until the process is gone. */
  async kill(): Promise<void> {
    const running = this.#running()
    running.kill('SIGKILL')
    await running.ended
    this.#paused = false
  }

  /** A clean stop; an error when it takes longer or ends with an exit code that tells of a mistake. */
  async stop(graceMs = 60_000): Promise<void> {
    const code = await this.#running().stop(graceMs)
    if (code !== 0 && !(this.#options.java !== null && code === 143)) {
      throw new Error(`The ${this.name} did not stop cleanly (${code}): ${this.output.slice(-3_000)}`)
    }
  }

  pause(): void {
    this.#running().kill('SIGSTOP')
    this.#paused = true
  }

  continue(): void {
    this.#running().kill('SIGCONT')
    this.#paused = false
  }

  async dispose(): Promise<void> {
    if (this.isRunning) await this.kill()
  }

  #running(): RunningProcess {
    if (this.#process === null) throw new Error(`The ${this.name} was not started.`)
    return this.#process
  }

  get #propertiesFile(): string {
    return join(this.#options.directory, 'server.properties')
  }
}
