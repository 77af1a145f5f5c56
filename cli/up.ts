/**
 * `barnabas up`: the local cluster from manifests. Reads them, starts the brokers as early as it can (the connect line is
 * to be there within a second), applies the topics, shows what goes on, and stops everything on Ctrl-C.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { formatProperties } from '../operator/index.ts'
import { systemClock } from '../runtime/clock.ts'
import {
  checkLocally,
  type LocalCluster,
  localBrokerSettings,
  noteOnBrokers,
  planLocally,
} from './local-cluster.ts'
import { etcdEndpoint, findEtcd, freePort, howToGetEtcd, type LocalEtcd } from './local-etcd.ts'
import { applyTo, complain, LocalRun, type Plan, shown, type UpOptions } from './local-run.ts'
import {
  type FoundCluster,
  type FoundTopic,
  type ManifestFile,
  readManifests,
  tellMistake,
} from './manifests.ts'
import { findPortProblem, ownerOfPort } from './port-owner.ts'
import { isAlive, readRunningCluster, type RunningCluster, writeRunningCluster } from './running-cluster.ts'
import { openScreen, type Screen } from './screen.ts'

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
      files.push({ name: shown(file), text: readFileSync(file, 'utf8') })
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

  const places = { ...options, hostname: hostname() }
  const local = planLocally(found, places)
  const program = findEtcd(process.env['PATH'] ?? '')
  const needsEtcd = local.brokers.length > 1 && found.cluster.spec.etcd?.endpoints === undefined
  if (needsEtcd && program === undefined) {
    complain([howToGetEtcd])
    return undefined
  }
  const directory = makeDirectory(local, options)
  const etcd = needsEtcd && program !== undefined ? await planEtcd(program, directory) : undefined
  const hash = createHash('sha256')
  const settings = local.brokers.map(broker => {
    const own = localBrokerSettings(local, broker, join(directory, `broker-${broker.id}`), places)
    hash.update(formatProperties(own))
    // Another one at each run.
    if (etcd !== undefined) own.set('etcd.connect', etcdEndpoint(etcd))
    return { file: join(directory, `broker-${broker.id}.properties`), text: formatProperties(own) }
  })
  return {
    local,
    topics: manifests.topics.map(({ topic }) => topic),
    directory,
    settings,
    etcd,
    fingerprint: hash.digest('hex'),
    options,
  }
}

async function planEtcd(program: string, directory: string): Promise<LocalEtcd> {
  const [clientPort, peerPort] = await Promise.all([freePort(), freePort()])
  return { program, directory: join(directory, 'etcd'), clientPort, peerPort }
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

async function findTakenPort({ local, options }: Plan): Promise<string | undefined> {
  for (const { port, what, flag } of local.ports) {
    const problem = await findPortProblem(options.host, port)
    if (problem === undefined) continue
    if (problem.code !== 'EADDRINUSE')
      return `Port ${port} (${what}) cannot be opened on ${options.host}: ${problem.message}.`
    const owner = ownerOfPort(port)
    return `Port ${port} (${what}) is taken${owner === undefined ? '' : ` by ${owner}`}; stop that, or choose another port with ${flag}.`
  }
  return undefined
}

/** A cluster with this data already runs: topics are applied to it; for the rest it has to be started again. */
async function changeRunning(plan: Plan, running: RunningCluster, screen: Screen): Promise<number> {
  screen.print(
    `${plan.local.cluster.metadata.name} runs already (process ${running.pid}); its topics are brought up to date.`,
  )
  if (running.fingerprint !== plan.fingerprint) {
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

/** What an `up` that was killed had started goes on; two on one directory cannot be. Brokers end before etcd. */
async function stopLeftBehind(plan: Plan, { processes }: RunningCluster, screen: Screen): Promise<void> {
  for (const { pid, argument } of processes) {
    const lives = (): boolean => isAlive(pid, argument)
    if (!lives()) continue
    const who = argument.endsWith('.properties') ? `${basename(argument, '.properties')}` : 'etcd'
    screen.print(`${who} of an earlier run is still there (process ${pid}); it is stopped first.`)
    process.kill(pid, 'SIGTERM')
    const deadlineMs = systemClock.monotonicMs() + plan.local.gracePeriodMs
    while (lives()) {
      if (systemClock.monotonicMs() > deadlineMs) process.kill(pid, 'SIGKILL')
      await new Promise<void>(done => systemClock.after(20, done))
    }
  }
}
