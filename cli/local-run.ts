/** One run of a local cluster: its brokers are started, its topics are applied, what goes on is shown, and they are stopped. */
import { rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Topic } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import type { AppliedTopics } from './apply-topics.ts'
import type { LocalCluster } from './local-cluster.ts'
import { askEtcd, etcdCommand, type LocalEtcd } from './local-etcd.ts'
import { LocalProcess, type LocalProcessOptions, type ProcessStatus } from './local-process.ts'
import { askReadiness } from './readiness.ts'
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
  /** In the order of `local.brokers`: the settings file and its text. */
  readonly settings: readonly { readonly file: string; readonly text: string }[]
  /** Where several brokers keep their metadata. */
  readonly etcd: LocalEtcd | undefined
  /** Tells whether the settings are those of another run, without their secrets. */
  readonly fingerprint: string
  readonly options: UpOptions
}

/** One run, from the start of the brokers to their end. */
export class LocalRun {
  readonly #plan: Plan
  readonly #screen: Screen
  readonly #brokers: readonly LocalProcess[]
  readonly #etcd: LocalProcess | undefined
  readonly #startedAtMs = performance.now()
  readonly #ended = Promise.withResolvers<number>()
  #running: RunningCluster
  #topics: { name: string; partitions: number }[] = []
  #isStopping = false

  constructor(plan: Plan, previous: RunningCluster, screen: Screen) {
    const { local, options, settings, etcd } = plan
    this.#plan = plan
    this.#screen = screen
    this.#running = {
      pid: 0,
      processes: [],
      bootstrap: '',
      fingerprint: plan.fingerprint,
      applied: previous.applied,
    }
    this.#brokers = local.brokers.map(({ id, httpPort }, at) =>
      this.#process(`broker ${id}`, {
        command: [process.execPath, brokerProgram(), '--config', settings[at]?.file ?? ''],
        environment: { ...process.env, ...local.environment },
        probe: () => askReadiness({ host: reachable(options.host), port: httpPort }),
        severe: new Set(['warn', 'error', 'fatal']),
      }),
    )
    if (etcd !== undefined) {
      this.#etcd = this.#process('etcd', {
        command: etcdCommand(etcd),
        environment: process.env,
        probe: () => askEtcd(etcd.clientPort),
        // Its warnings are about slow disks and the like.
        severe: new Set(['error', 'fatal', 'panic']),
      })
    }
  }

  async run(): Promise<number> {
    const { local, directory, settings, topics, options } = this.#plan
    for (const { file, text } of settings) writeFileSync(file, text)
    // Brokers wait for etcd by themselves.
    for (const one of this.#all()) one.start()
    this.#remember({ pid: process.pid })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#stop())
    const redraw = setInterval(() => this.#draw(), 1000)
    this.#screen.print(`Starting ${local.cluster.metadata.name}; its data is in ${shown(directory)}.`)
    // Loaded while the brokers start, so that nobody waits for it afterwards.
    const preloaded = topics.length === 0 ? undefined : import('./apply-topics.ts')
    try {
      await Promise.all(this.#all().map(one => this.#readiness(one)))
      await preloaded
      if (!this.#isStopping) await this.#tellReady()
    } catch (error) {
      if (!this.#isStopping) {
        this.#isStopping = true
        this.#screen.clear()
        complain([error instanceof Error ? error.message : String(error)])
        await this.#stopAll()
        this.#ended.resolve(1)
      }
    }
    const exitCode = await this.#ended.promise
    clearInterval(redraw)
    this.#screen.clear()
    this.#remember({ pid: 0, processes: [], bootstrap: '' })
    if (local.isEphemeral && options.dataDir === undefined) {
      rmSync(directory, { recursive: true, force: true })
    }
    return exitCode
  }

  #process(
    name: string,
    options: Pick<LocalProcessOptions, 'command' | 'environment' | 'probe' | 'severe'>,
  ): LocalProcess {
    return new LocalProcess({
      ...options,
      name,
      logFile: join(this.#plan.directory, `${name.replace(' ', '-')}.log`),
      clock: systemClock,
      random: systemRandom,
      verbose: this.#plan.options.verbose === true,
      onChange: status => this.#changed(status),
      onLog: line => this.#screen.print(`${name}: ${line}`),
    })
  }

  #all(): LocalProcess[] {
    return this.#etcd === undefined ? [...this.#brokers] : [...this.#brokers, this.#etcd]
  }

  async #readiness(one: LocalProcess): Promise<void> {
    try {
      await one.ready
    } catch (error) {
      const who = this.#brokers.length === 1 ? 'The broker' : one.status.name
      const what = error instanceof Error ? error.message : String(error)
      throw new Error(`${who[0]?.toUpperCase()}${who.slice(1)} did not start: ${what}`, { cause: error })
    }
  }

  async #tellReady(): Promise<void> {
    const { local, topics, options } = this.#plan
    const host = reachable(options.host)
    const addresses = local.brokers
      .map(({ listeners }) => `${host.includes(':') ? `[${host}]` : host}:${listeners[0]?.port}`)
      .join(',')
    let names: string[] = []
    if (topics.length > 0) {
      try {
        const { outcomes, applied } = await applyTo(addresses, topics, this.#running)
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
    this.#remember({ bootstrap: addresses })
    const seconds = ((performance.now() - this.#startedAtMs) / 1000).toFixed(2)
    const instructions = renderInstructions(local.bootstrap, names[0] ?? 'hello')
    const last = this.#screen.isLive
      ? []
      : [`Metrics: ${this.#metricsUrl()}. Ctrl-C stops it; its data stays.`]
    this.#screen.print([`Ready after ${seconds} s.`, '', ...instructions, ...last].join('\n'))
    this.#draw()
  }

  #changed({ name, state, detail }: ProcessStatus): void {
    this.#remember()
    if (!this.#screen.isLive && (state === 'recovering' || state === 'restarting' || state === 'unready')) {
      this.#screen.print(`${name} is ${state}: ${detail}`)
    }
    this.#draw()
  }

  #draw(): void {
    const { local } = this.#plan
    this.#screen.show(
      renderStatus({
        cluster: local.cluster.metadata.name,
        processes: this.#all().map(({ status }) => status),
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
    const { settings, etcd } = this.#plan
    const processes = this.#all().flatMap(({ status: { pid } }, at) => {
      const argument = settings[at] === undefined ? etcd?.directory : basename(settings[at].file)
      return pid === undefined || argument === undefined ? [] : [{ pid, argument }]
    })
    // Another `up` may have applied topics to this cluster meanwhile.
    const { applied } = readRunningCluster(this.#plan.directory)
    const running = { ...this.#running, applied, processes, ...changes }
    if (isDeepStrictEqual(running, this.#running)) return
    this.#running = running
    writeRunningCluster(this.#plan.directory, running)
  }

  /** The first time in order, the second time at once. */
  #stop(): void {
    if (this.#isStopping) {
      for (const one of this.#all()) one.kill()
      this.#ended.resolve(1)
      return
    }
    this.#isStopping = true
    this.#screen.print('Stopping. (Once more to force it.)')
    this.#stopAll().then(
      late => {
        this.#screen.print(
          late.length === 0 ? 'Stopped.' : `Not stopped in time, and killed: ${late.join(', ')}.`,
        )
        this.#ended.resolve(late.length === 0 ? 0 : 1)
      },
      () => this.#ended.resolve(1),
    )
  }

  /** Brokers first: they sign off in etcd. Resolves with who had to be killed. */
  async #stopAll(): Promise<string[]> {
    const late: string[] = []
    const stop = async (one: LocalProcess): Promise<void> => {
      if (!(await one.stop(this.#plan.local.gracePeriodMs))) late.push(one.status.name)
    }
    await Promise.all(this.#brokers.map(stop))
    if (this.#etcd !== undefined) await stop(this.#etcd)
    return late
  }
}

export async function applyTo(
  bootstrap: string,
  topics: readonly Topic[],
  running: RunningCluster,
): Promise<AppliedTopics> {
  const [{ connectToAny }, { applyTopics }] = await Promise.all([
    import('./connect-to-any.ts'),
    import('./apply-topics.ts'),
  ])
  const connection = await connectToAny(bootstrap, 'barnabas-up', 30_000)
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
