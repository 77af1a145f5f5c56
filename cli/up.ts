/**
 * `barnabas up`: the local cluster from manifests. Reads them, starts the broker as early as it can (the connect line is
 * to be there within a second), applies the topics, shows what goes on, and stops everything on Ctrl-C.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { formatProperties, type Topic } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import type { AppliedTopics } from './apply-topics.ts'
import { BrokerProcess } from './broker-process.ts'
import {
  checkLocally,
  type LocalCluster,
  localBrokerSettings,
  noteOnBrokers,
  planLocally,
} from './local-cluster.ts'
import {
  type FoundCluster,
  type FoundTopic,
  type ManifestFile,
  readManifests,
  tellMistake,
} from './manifests.ts'
import { findPortProblem, ownerOfPort } from './port-owner.ts'
import { renderInstructions, renderStatus } from './render-status.ts'
import { isAlive, readRunningCluster, type RunningCluster, writeRunningCluster } from './running-cluster.ts'
import { openScreen, type Screen } from './screen.ts'

export interface UpOptions {
  readonly files: readonly string[]
  readonly dataDir?: string
  readonly host: string
  readonly port?: number
  readonly httpPort: number
  readonly verbose?: boolean
}

interface Plan {
  readonly local: LocalCluster
  readonly topics: readonly Topic[]
  readonly directory: string
  readonly settingsFile: string
  readonly settings: string
  readonly options: UpOptions
}

/** What is run when no file is given. */
const withoutFiles: ManifestFile = {
  name: 'built-in manifest',
  text: `apiVersion: barnabas.dev/v1
kind: Cluster
metadata: { name: local }
spec: { brokers: { replicas: 1 }, topicDefaults: { autoCreate: true } }
`,
}

/** Resolves with the exit code: 0 after a clean stop, 1 when something failed, 2 when what was asked for is wrong. */
export async function up(options: UpOptions): Promise<number> {
  const screen = openScreen(process.stdout)
  const plan = await makePlan(options, screen)
  if (plan === undefined) return 2
  const previous = readRunningCluster(plan.directory)
  if (isAlive(previous.pid, 'up')) return changeRunning(plan, previous, screen)
  await stopLeftBehind(plan, previous, screen)
  const taken = await findTakenPort(plan)
  if (taken !== undefined) {
    complain([taken])
    return 1
  }
  return new LocalRun(plan, previous, screen).run()
}

/** Undefined when there are mistakes; they are told. */
async function makePlan(options: UpOptions, screen: Screen): Promise<Plan | undefined> {
  const files: ManifestFile[] = []
  const unreadable: string[] = []
  for (const file of options.files) {
    try {
      files.push({ name: relative('.', file), text: readFileSync(file, 'utf8') })
    } catch (error) {
      unreadable.push(`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const manifests = readManifests(options.files.length === 0 ? [withoutFiles] : files)
  const [found] = manifests.clusters
  const mistakes = [...unreadable, ...(unreadable.length > 0 ? [] : manifests.mistakes)]
  if (found !== undefined) mistakes.push(...checkLocally(found, manifests.topics))
  if (mistakes.length === 0 && found !== undefined)
    mistakes.push(...(await checkSettings(found, manifests.topics)))
  if (mistakes.length > 0 || found === undefined) {
    complain(mistakes)
    return undefined
  }
  for (const note of [...manifests.notes, noteOnBrokers(found) ?? []].flat()) screen.print(`note: ${note}`)

  const { cluster } = found
  const places = { ...options, hostname: hostname() }
  const local = planLocally(cluster, places)
  const directory = makeDirectory(local, options)
  const settings = formatProperties(localBrokerSettings(cluster, join(directory, 'broker-1'), places))
  return {
    local,
    topics: manifests.topics.map(({ topic }) => topic),
    directory,
    settingsFile: join(directory, 'broker-1.properties'),
    settings,
    options,
  }
}

/** The tables of all settings are loaded only when a manifest names some. */
async function checkSettings(found: FoundCluster, topics: readonly FoundTopic[]): Promise<string[]> {
  const hasSettings =
    Object.keys(found.cluster.spec.config).length > 0 ||
    topics.some(({ topic }) => Object.keys(topic.spec.config).length > 0)
  if (!hasSettings) return []
  const { checkClusterSettings, checkTopicSettings } = await import('../operator/resources/check-settings.ts')
  return [
    ...checkClusterSettings(found.cluster).map(mistake => tellMistake(mistake, found.place)),
    ...topics.flatMap(({ topic, place }) =>
      checkTopicSettings(topic).map(mistake => tellMistake(mistake, place)),
    ),
  ]
}

function makeDirectory({ cluster, isEphemeral }: LocalCluster, { dataDir }: UpOptions): string {
  const { name } = cluster.metadata
  if (isEphemeral && dataDir === undefined) return mkdtempSync(join(tmpdir(), `barnabas-${name}-`))
  const directory = resolve(dataDir ?? join('data', name))
  mkdirSync(directory, { recursive: true })
  return directory
}

function complain(mistakes: readonly string[]): void {
  for (const mistake of mistakes) process.stderr.write(`${mistake}\n`)
}

async function findTakenPort({ local, options }: Plan): Promise<string | undefined> {
  for (const { port, what } of local.ports) {
    const problem = await findPortProblem(options.host, port)
    if (problem === undefined) continue
    if (problem.code !== 'EADDRINUSE')
      return `Port ${port} (${what}) cannot be opened on ${options.host}: ${problem.message}.`
    const owner = ownerOfPort(port)
    const flag = what === 'metrics' ? '--http-port' : '--port'
    return `Port ${port} (${what}) is taken${owner === undefined ? '' : ` by ${owner}`}; stop that, or choose another port with ${flag}.`
  }
  return undefined
}

/** A cluster with this data already runs: topics are applied to it; for the rest it has to be started again. */
async function changeRunning(plan: Plan, running: RunningCluster, screen: Screen): Promise<number> {
  screen.print(
    `${plan.local.cluster.metadata.name} runs already (process ${running.pid}); its topics are brought up to date.`,
  )
  if (running.settings !== plan.settings) {
    screen.print('The Cluster has changed: stop it there with Ctrl-C and start it again to apply that.')
  }
  try {
    const { outcomes, applied } = await applyTo(running.bootstrap, plan.topics, running)
    writeRunningCluster(plan.directory, { ...readRunningCluster(plan.directory), applied })
    for (const { sentences } of outcomes) for (const sentence of sentences) screen.print(sentence)
    if (outcomes.every(({ sentences }) => sentences.length === 0)) screen.print('Nothing had to be changed.')
    return outcomes.some(({ isRefused }) => isRefused) ? 1 : 0
  } catch (error) {
    complain([`The topics were not applied: ${error instanceof Error ? error.message : String(error)}`])
    return 1
  }
}

async function applyTo(
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

/** The broker of an `up` that was killed goes on; two on one directory cannot be. */
async function stopLeftBehind(plan: Plan, { brokerPid }: RunningCluster, screen: Screen): Promise<void> {
  const lives = (): boolean => isAlive(brokerPid, basename(plan.settingsFile))
  if (!lives()) return
  screen.print(`A broker of an earlier run is still there (process ${brokerPid}); it is stopped first.`)
  process.kill(brokerPid, 'SIGTERM')
  const deadlineMs = systemClock.monotonicMs() + plan.local.gracePeriodMs
  while (lives()) {
    if (systemClock.monotonicMs() > deadlineMs) process.kill(brokerPid, 'SIGKILL')
    await new Promise<void>(done => systemClock.after(20, done))
  }
}

/** One run, from the start of the broker to its end. */
class LocalRun {
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
      pid: process.pid,
      brokerPid: 0,
      bootstrap: '',
      settings: plan.settings,
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
    this.#remember()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#stop())
    const redraw = setInterval(() => this.#draw(), 1000)
    this.#screen.print(
      `Starting ${local.cluster.metadata.name}; its data is in ${relative('.', directory) || '.'}.`,
    )
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
    this.#running = { ...this.#running, pid: 0, brokerPid: 0 }
    if (local.isEphemeral && this.#plan.options.dataDir === undefined)
      rmSync(directory, { recursive: true, force: true })
    else writeRunningCluster(directory, this.#running)
    return exitCode
  }

  async #tellReady(): Promise<void> {
    const { local, topics, options } = this.#plan
    const address = `${reachable(options.host)}:${local.ports[0]?.port}`
    let names: string[] = []
    if (topics.length > 0) {
      try {
        const { outcomes, applied } = await applyTo(address, topics, this.#running)
        this.#running = { ...this.#running, applied }
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
    this.#running = { ...this.#running, bootstrap: address }
    this.#remember()
    const seconds = ((performance.now() - this.#startedAtMs) / 1000).toFixed(2)
    this.#screen.print(`Ready after ${seconds} s.`)
    this.#screen.print('')
    for (const line of renderInstructions(local.bootstrap, names[0] ?? 'hello')) this.#screen.print(line)
    if (!this.#screen.isLive)
      this.#screen.print(`Metrics: ${this.#metricsUrl()}. Ctrl-C stops it; its data stays.`)
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

  #remember(): void {
    const brokerPid = this.#broker.status.pid ?? 0
    if (brokerPid === this.#running.brokerPid && this.#running.bootstrap !== '') return
    this.#running = { ...this.#running, brokerPid }
    writeRunningCluster(this.#plan.directory, this.#running)
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
