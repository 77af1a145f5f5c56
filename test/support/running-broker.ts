import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '../../broker/broker.ts'
import { loadBrokerSettings } from '../../broker/config/load-settings.ts'
import { systemDisk } from '../../broker/log/disk.ts'
import type { MetadataStore } from '../../broker/metadata/metadata-store.ts'
import { systemClock } from '../../runtime/clock.ts'
import { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { systemRandom } from '../../runtime/random.ts'
import { BrokerConnection } from './broker-connection.ts'
import { recordingLogger } from './recording-logger.ts'

export interface RunningBrokerOptions {
  /** By Kafka's names, over listeners, directories and id. */
  readonly settings?: Readonly<Record<string, string>>
  /** Started on a directory that is already there. */
  readonly directory?: string
  /** One store for several brokers; closed by whoever opened it. */
  readonly sharedStore?: MetadataStore
  /** Names of log directories inside `directory`. */
  readonly logDirectories?: readonly string[]
  /** Ends a start that waits. */
  readonly stopAsked?: AbortSignal
  /** Besides `fatal`, for a broker whose start does not resolve. */
  readonly onFatal?: (error: Error) => void
}

/** A whole broker in this process, on the system's clock and disk, in a directory and on ports of its own. */
export class RunningBroker {
  readonly directory: string
  /** What was logged, debug lines left out. */
  readonly lines: readonly Record<string, unknown>[]
  /** Errors that would have ended the process. */
  readonly fatal: readonly Error[]
  readonly #broker: Broker
  readonly #options: RunningBrokerOptions
  readonly #connections: BrokerConnection[] = []

  private constructor(
    broker: Broker,
    options: RunningBrokerOptions & { readonly directory: string },
    lines: readonly Record<string, unknown>[],
    fatal: readonly Error[],
  ) {
    this.#broker = broker
    this.#options = options
    this.directory = options.directory
    this.lines = lines
    this.fatal = fatal
  }

  static async start(options: RunningBrokerOptions = {}): Promise<RunningBroker> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'barnabas-broker-'))
    const logDirectories = options.logDirectories ?? ['data']
    const loaded = loadBrokerSettings({
      manifest: {
        'node.id': '1',
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'http.listeners': 'http://127.0.0.1:0',
        'log.dirs': logDirectories.map(name => join(directory, name)).join(','),
        'log.dirs.reserved.bytes': '0',
        ...options.settings,
      },
    })
    if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
    const { logger, lines } = recordingLogger()
    const fatal: Error[] = []
    const broker = await Broker.start({
      loaded,
      clock: systemClock,
      random: systemRandom,
      disk: systemDisk,
      turn: new EndOfTurn(),
      logger,
      ...(options.sharedStore === undefined ? {} : { sharedStore: options.sharedStore }),
      onFatal: error => {
        fatal.push(error)
        options.onFatal?.(error)
      },
      ...(options.stopAsked === undefined ? {} : { stopAsked: options.stopAsked }),
    })
    return new RunningBroker(broker, { ...options, directory }, lines, fatal)
  }

  get broker(): Broker {
    return this.#broker
  }

  get port(): number {
    return this.#broker.listeners[0]?.port ?? 0
  }

  /** A client of its own; closed with the broker. */
  async connect(): Promise<BrokerConnection> {
    const connection = await BrokerConnection.connect(this.port)
    this.#connections.push(connection)
    return connection
  }

  async metric(path = '/metrics'): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#broker.httpPorts[0]}${path}`)
    return answer.text()
  }

  /** A clean stop; the directory stays. */
  async stop(): Promise<void> {
    await this.#disconnect()
    await this.#broker.stop()
  }

  /** A clean stop and a start on the same directory, with other settings if given. */
  async restart(settings: Readonly<Record<string, string>> = {}): Promise<RunningBroker> {
    await this.stop()
    return RunningBroker.start(this.#again(this.directory, settings))
  }

  /** What a start finds after the process was killed now: the files as they stand, without anything a stop would have written. */
  async killAndStart(settings: Readonly<Record<string, string>> = {}): Promise<RunningBroker> {
    const copy = mkdtempSync(join(tmpdir(), 'barnabas-broker-'))
    cpSync(this.directory, copy, { recursive: true })
    await this.remove()
    return RunningBroker.start(this.#again(copy, settings))
  }

  /** Stops and deletes everything. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #again(directory: string, settings: Readonly<Record<string, string>>): RunningBrokerOptions {
    return { ...this.#options, directory, settings: { ...this.#options.settings, ...settings } }
  }

  async #disconnect(): Promise<void> {
    await Promise.all(this.#connections.map(connection => connection.close()))
  }
}
