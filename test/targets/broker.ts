/** A broker process under test: Barnabas, or Apache Kafka itself to prove that the tests are right. */
import { join } from 'node:path'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { type KafkaJava, prepareKafkaJava, repositoryRoot } from './kafka-jars.ts'
import { RunningProcess, freePorts, run, waitUntil } from './processes.ts'
import { WireConnection } from './wire-connection.ts'
import { apiKeys, metadataBody, metadataOutcome } from './wire.ts'

export type Target = 'barnabas' | 'apache-kafka'

/** What the environment variable TEST_TARGET says; Barnabas when it says nothing. */
export function targetFromEnvironment(): Target {
  const target = process.env['TEST_TARGET'] ?? 'barnabas'
  if (target !== 'barnabas' && target !== 'apache-kafka') {
    throw new Error(`TEST_TARGET is '${target}'; it may be barnabas or apache-kafka.`)
  }
  return target
}

interface BrokerOptions {
  /** Lines of server.properties beyond listeners and directories. */
  readonly settings?: Readonly<Record<string, string>>
  readonly core?: number
  /** Java options of Apache Kafka; default as its own start script has them, with a smaller heap for tests. */
  readonly heap?: string
  /** Barnabas as `npm run build` makes it for release, not from its sources. */
  readonly built?: boolean
}

/** One broker with a data directory of its own, which outlives the process so that it can be started again. */
export class BrokerUnderTest {
  readonly target: Target
  readonly host = '127.0.0.1'
  readonly port: number
  readonly httpPort: number
  readonly directory: string
  #process: RunningProcess | null = null
  #options: BrokerOptions
  #java: KafkaJava | null
  #controllerPort: number

  private constructor(
    target: Target,
    ports: readonly number[],
    java: KafkaJava | null,
    options: BrokerOptions,
  ) {
    this.target = target
    this.port = ports[0] as number
    this.#controllerPort = ports[1] as number
    this.httpPort = ports[2] as number
    this.#java = java
    this.#options = options
    this.directory = mkdtempSync(join(tmpdir(), 'barnabas-test-'))
  }

  /** Prepares ports, configuration and an empty data directory; starts nothing yet. */
  static async prepare(target: Target, options: BrokerOptions = {}): Promise<BrokerUnderTest> {
    const java = target === 'apache-kafka' ? await prepareKafkaJava() : null
    const broker = new BrokerUnderTest(target, await freePorts(3), java, options)
    mkdirSync(broker.logDirectory)
    writeFileSync(broker.#propertiesFile, broker.#properties())
    if (java !== null) {
      const format = ['-cp', java.classPath, 'kafka.tools.StorageTool', 'format', '--standalone']
      const identity = ['--cluster-id', 'AAAAAAAAAAAAAAAAAAAAAQ', '--config', broker.#propertiesFile]
      const formatted = await run('java', [...format, ...identity])
      if (formatted.exit !== 0) throw new Error(`StorageTool: ${formatted.stdout}${formatted.stderr}`)
    }
    return broker
  }

  static async start(target: Target, options: BrokerOptions = {}): Promise<BrokerUnderTest> {
    const broker = await BrokerUnderTest.prepare(target, options)
    await broker.start()
    return broker
  }

  get bootstrapServers(): string {
    return `${this.host}:${this.port}`
  }

  /** The one entry of log.dirs. */
  get logDirectory(): string {
    return join(this.directory, 'data')
  }

  get pid(): number {
    return this.#running().pid
  }

  /** The last part of what the process printed. */
  get output(): string {
    return this.#process?.output ?? ''
  }

  get isRunning(): boolean {
    return this.#process !== null && !this.#process.hasEnded
  }

  /** Starts the process and waits until it answers Metadata with itself in it. */
  async start(): Promise<void> {
    const started = this.spawn()
    await waitUntil(
      () => `the broker answers on port ${this.port}; it said: ${started.output.slice(-3_000)}`,
      async () => {
        if (started.hasEnded)
          throw new Error(`The broker ended at its start; it said: ${started.output.slice(-3_000)}`)
        return (await this.#answers()) ? true : undefined
      },
      { deadlineMs: 60_000, everyMs: 10 },
    )
  }

  /** Starts the process without waiting for anything. */
  spawn(): RunningProcess {
    if (this.isRunning) throw new Error('This broker runs already.')
    const { core, heap = '512M' } = this.#options
    const pinned = core === undefined ? {} : { core }
    if (this.#java !== null) {
      const options = [`-Xmx${heap}`, `-Xms${heap}`, ...kafkaJavaOptions]
      const command = [...options, '-cp', this.#java.classPath, 'kafka.Kafka', this.#propertiesFile]
      this.#process = new RunningProcess('java', command, { directory: this.directory, ...pinned })
    } else {
      const main =
        this.#options.built === true ? join('dist', 'broker', 'main.js') : join('broker', 'main.ts')
      this.#process = new RunningProcess(
        process.execPath,
        [join(repositoryRoot, main), '--config', this.#propertiesFile],
        {
          directory: this.directory,
          ...pinned,
        },
      )
    }
    return this.#process
  }

  /** Clean stop: SIGTERM, and the exit code (Java's 143 counts as 0). */
  async stop(graceMs = 30_000): Promise<number> {
    const code = await this.#running().stop(graceMs)
    if (typeof code === 'string')
      throw new Error(`The broker had to be ended by ${code}; it said: ${this.output.slice(-3_000)}`)
    return this.target === 'apache-kafka' && code === 143 ? 0 : code
  }

  /** kill -9, and waits until the process is gone. */
  async kill(): Promise<void> {
    const broker = this.#running()
    broker.kill('SIGKILL')
    await broker.ended
  }

  /** Ends the process if it runs and deletes its directory. */
  async dispose(): Promise<void> {
    if (this.isRunning) await this.kill()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #running(): RunningProcess {
    if (this.#process === null) throw new Error('This broker was not started.')
    return this.#process
  }

  async #answers(): Promise<boolean> {
    let connection: WireConnection | null = null
    try {
      connection = await WireConnection.open(this.port)
      return metadataOutcome(await connection.request(apiKeys.metadata, 4, metadataBody([]))).brokers > 0
    } catch {
      return false // not yet
    } finally {
      connection?.close()
    }
  }

  get #propertiesFile(): string {
    return join(this.directory, 'server.properties')
  }

  #properties(): string {
    const kafkaOnly = {
      'process.roles': 'broker,controller',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.bootstrap.servers': `127.0.0.1:${this.#controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${this.port},CONTROLLER://127.0.0.1:${this.#controllerPort}`,
    }
    const barnabasOnly = {
      listeners: `PLAINTEXT://127.0.0.1:${this.port}`,
      'http.listeners': `http://127.0.0.1:${this.httpPort}`,
    }
    const settings: Record<string, string> = {
      'node.id': '1',
      'log.dirs': this.logDirectory,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${this.port}`,
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      ...(this.target === 'apache-kafka' ? kafkaOnly : barnabasOnly),
      ...this.#options.settings,
    }
    return Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join('')
  }
}

/** Of Kafka's own start script, except the heap. */
export const kafkaJavaOptions = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}
