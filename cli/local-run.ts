/** One run of a local cluster: its broker is started, its topics are applied, what goes on is shown, and it is stopped. */
import { rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Topic } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import type { AppliedTopics } from './apply-topics.ts'
import { BrokerProcess } from './broker-process.ts'
import type { LocalCluster } from './local-cluster.ts'
import { renderInstructions, renderStatus } from './render-status.ts'
import { readRunningCluster, type RunningCluster, writeRunningCluster } from './running-cluster.ts'
import type { Screen } from './screen.ts'

export interface UpOptions {
  readonly files: readonly string[]
  readonly dataDir?: string
  readonly host: string
  readonly port?: number
  readonly httpPort: number
  readonly verbose?: boolean
}

/** What is to be run, and where. */
export interface Plan {
  readonly local: LocalCluster
  readonly topics: readonly Topic[]
  readonly directory: string
  readonly settingsFile: string
  /** Text of that file. */
  readonly settings: string
  /** Tells whether the settings are those of another run, without their secrets. */
  readonly fingerprint: string
  readonly options: UpOptions
}

/** One run, from the start of the broker to its end. */
export class LocalRun {
  readonly #plan: Plan
  readonly #screen: Screen
  readonly #broker: BrokerProcess
  readonly #startedAtMs = performance.now()
  readonly #ended = Promise.withResolvers<number>()
  #running: RunningCluster
  #topics: { name: string; partitions: number }[] = []
  #isStopping = false

  constructor(plan: Plan, previous: RunningCluster, screen: Screen) {
    const { options, directory, settingsFile } = plan
    this.#plan = plan
    this.#screen = screen
    this.#running = {
      pid: 0,
      brokerPid: 0,
      bootstrap: '',
      fingerprint: plan.fingerprint,
      applied: previous.applied,
    }
    this.#broker = new BrokerProcess({
      id: 1,
      command: [process.execPath, brokerProgram(), '--config', settingsFile],
      environment: { ...process.env, ...plan.local.environment },
      http: { host: reachable(options.host), port: options.httpPort },
      logFile: join(directory, 'broker-1.log'),
      clock: systemClock,
      random: systemRandom,
      verbose: options.verbose === true,
      onChange: () => this.#changed(),
      onLog: line => screen.print(`broker 1: ${line}`),
    })
  }

  async run(): Promise<number> {
    const { local, directory, settings, settingsFile, topics } = this.#plan
    writeFileSync(settingsFile, settings)
    this.#broker.start()
    this.#remember({ pid: process.pid })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#stop())
    const redraw = setInterval(() => this.#draw(), 1000)
    this.#screen.print(`Starting ${local.cluster.metadata.name}; its data is in ${shown(directory)}.`)
    // Loaded while the broker starts, so that nobody waits for it afterwards.
    const preloaded = topics.length === 0 ? undefined : import('./apply-topics.ts')
    try {
      await this.#broker.ready
      await preloaded
      if (!this.#isStopping) await this.#tellReady()
    } catch (error) {
      if (!this.#isStopping) {
        this.#screen.clear()
        complain([`The broker did not start: ${error instanceof Error ? error.message : String(error)}`])
        this.#ended.resolve(1)
      }
    }
    const exitCode = await this.#ended.promise
    clearInterval(redraw)
    this.#screen.clear()
    this.#remember({ pid: 0, brokerPid: 0, bootstrap: '' })
    if (local.isEphemeral && this.#plan.options.dataDir === undefined) {
      rmSync(directory, { recursive: true, force: true })
    }
    return exitCode
  }

  async #tellReady(): Promise<void> {
    const { local, topics, options } = this.#plan
    const address = `${reachable(options.host)}:${local.ports[0]?.port}`
    let names: string[] = []
    if (topics.length > 0) {
      try {
        const { outcomes, applied } = await applyTo(address, topics, this.#running)
        this.#remember({ applied })
        this.#topics = outcomes
          .filter(({ partitions }) => partitions > 0)
          .map(({ name, partitions }) => ({ name, partitions }))
        for (const { sentences } of outcomes) for (const sentence of sentences) this.#screen.print(sentence)
        names = this.#topics.map(({ name }) => name)
      } catch (error) {
        this.#screen.print(
          `The topics were not applied: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
    this.#remember({ bootstrap: address })
    const seconds = ((performance.now() - this.#startedAtMs) / 1000).toFixed(2)
    const instructions = renderInstructions(local.bootstrap, names[0] ?? 'hello')
    const last = this.#screen.isLive
      ? []
      : [`Metrics: ${this.#metricsUrl()}. Ctrl-C stops it; its data stays.`]
    this.#screen.print([`Ready after ${seconds} s.`, '', ...instructions, ...last].join('\n'))
    this.#draw()
  }

  #changed(): void {
    const { state, detail } = this.#broker.status
    this.#remember()
    if (!this.#screen.isLive && (state === 'recovering' || state === 'restarting' || state === 'unready')) {
      this.#screen.print(`broker 1 is ${state}: ${detail}`)
    }
    this.#draw()
  }

  #draw(): void {
    const { local } = this.#plan
    this.#screen.show(
      renderStatus({
        cluster: local.cluster.metadata.name,
        brokers: [this.#broker.status],
        topics: this.#topics,
        bootstrap: local.bootstrap,
        metricsUrl: this.#metricsUrl(),
        upForMs: performance.now() - this.#startedAtMs,
      }),
    )
  }

  #metricsUrl(): string {
    return `http://${this.#plan.local.bootstrap.split(':')[0]}:${this.#plan.options.httpPort}/metrics`
  }

  #remember(changes: Partial<RunningCluster> = {}): void {
    const brokerPid = this.#broker.status.pid ?? 0
    // Another `up` may have applied topics to this cluster meanwhile.
    const { applied } = readRunningCluster(this.#plan.directory)
    const running = { ...this.#running, applied, brokerPid, ...changes }
    if (isDeepStrictEqual(running, this.#running)) return
    this.#running = running
    writeRunningCluster(this.#plan.directory, running)
  }

  /** The first time in order, the second time at once. */
  #stop(): void {
    if (this.#isStopping) {
      this.#broker.kill()
      this.#ended.resolve(1)
      return
    }
    this.#isStopping = true
    this.#screen.print('Stopping. (Once more to force it.)')
    this.#broker.stop(this.#plan.local.gracePeriodMs).then(
      isClean => {
        this.#screen.print(isClean ? 'Stopped.' : 'The broker did not stop in time and was killed.')
        this.#ended.resolve(isClean ? 0 : 1)
      },
      () => this.#ended.resolve(1),
    )
  }
}

export async function applyTo(
  bootstrap: string,
  topics: readonly Topic[],
  running: RunningCluster,
): Promise<AppliedTopics> {
  const [{ Connection }, { applyTopics }] = await Promise.all([
    import('../client/index.ts'),
    import('./apply-topics.ts'),
  ])
  const at = bootstrap.lastIndexOf(':')
  const address = { host: bootstrap.slice(0, at), port: Number(bootstrap.slice(at + 1)) }
  const connection = await Connection.open({ ...address, clientId: 'barnabas-up', timeoutMs: 30_000 })
  try {
    return await applyTopics(connection, topics, running.applied)
  } finally {
    await connection.close()
  }
}

export function complain(mistakes: readonly string[]): void {
  for (const mistake of mistakes) process.stderr.write(`${mistake}\n`)
}

/** Paths below here are shown short. */
export function shown(path: string): string {
  const short = relative('.', path)
  return short === '' || short.startsWith('..') ? resolve(path) : short
}

/** The same program beside us, as source or as built. */
function brokerProgram(): string {
  const name = import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js'
  return join(import.meta.dirname, '..', 'broker', name)
}

/** An address to connect to for one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
