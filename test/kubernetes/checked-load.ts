/**
 * A load that goes on inside a Kubernetes cluster's network through whatever happens to the brokers, and is judged at its
 * end: idempotent producers of Java, librdkafka and kafkajs with acks=all, readers and a group. Right is: every acknowledged
 * record is read, once, in order; no send failed for its caller.
 *
 *   const load = await CheckedLoad.start(operated, { topic: 'checked', partitions: 6 })   the topic exists
 *   …                                                                                     drain, delete, roll
 *   expectNothingLost(await load.finish())
 *
 * Whoever starts one also calls `dispose` in the end, whatever happened.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { describeVerdict, type Verdict } from '../cluster/checker.ts'
import { HistoryClients } from '../cluster/history-clients.ts'
import { keepLogs } from './keep-logs.ts'
import type { Kubernetes } from './kubernetes.ts'
import { type OperatedCluster, topic } from './operated-cluster.ts'

export interface CheckedLoadOptions {
  /** There already. */
  readonly topic: string
  readonly partitions: number
  /**
   * Java and librdkafka together send so many bytes a second, in values of 5,000 bytes, and one reader reads along. Absent:
   * a light load of small records, with more producers and readers.
   */
  readonly bytesPerSecond?: number
}

export interface LoadOutcome extends Verdict {
  /** What callers of send were told that did not succeed, at most 20. */
  readonly failures: readonly string[]
  /** Of every partition: the fewest in-sync replicas that metadata has told, and when it first did. */
  readonly fewestInSync: ReadonlyMap<number, { readonly count: number; readonly told: string }>
  /** Partitions without a leader, and how often metadata said so. */
  readonly leaderless: ReadonlyMap<number, number>
  /** Where all that clients told is kept, if something was wrong. */
  readonly history?: string
  /** Where the brokers' logs are kept of the moment when a partition first had a single replica in sync, if one had. */
  readonly brokerLogs?: string
}

const producers = { java: 0, librdkafka: 1, kafkajs: 2 }
const producerCount = 3
const readers = { java: 10, librdkafka: 11, members: [20, 21] }

const lightRate = 100
/** Larger ones would cost brokers less; much smaller ones cost clients and the judge of them more than two cores have. */
export const heavyBytes = 5000
const mostFailures = 20
const partitionsUnderLoad = 6

export class CheckedLoad {
  readonly #kubernetes: Kubernetes
  readonly #bootstrap: string
  readonly #options: CheckedLoadOptions
  readonly #directory = mkdtempSync(join(tmpdir(), 'barnabas-load-'))
  readonly #clients: HistoryClients
  readonly #failures: string[] = []
  readonly #fewestInSync = new Map<number, { readonly count: number; readonly told: string }>()
  readonly #leaderless = new Map<number, number>()
  #acknowledged = 0
  #brokerLogs: Promise<string> | undefined

  private constructor(kubernetes: Kubernetes, bootstrap: string, options: CheckedLoadOptions) {
    this.#kubernetes = kubernetes
    this.#bootstrap = bootstrap
    this.#options = options
    const { topic, partitions } = options
    this.#clients = new HistoryClients({
      topic,
      partitions,
      bootstrapServers: bootstrap,
      file: join(this.#directory, 'history'),
      within: kubernetes.within,
      onLine: line => this.#notice(line),
    })
  }

  /** Resolves when every producer and reader has done something on every partition. */
  static async start(
    { kubernetes, bootstrap }: { readonly kubernetes: Kubernetes; readonly bootstrap: string },
    options: CheckedLoadOptions,
  ): Promise<CheckedLoad> {
    const load = new CheckedLoad(kubernetes, bootstrap, options)
    try {
      await load.#start()
    } catch (error) {
      await load.dispose()
      throw error
    }
    return load
  }

  async #start(): Promise<void> {
    const { topic, bytesPerSecond } = this.#options
    const isHeavy = bytesPerSecond !== undefined
    const size = isHeavy ? heavyBytes : 0
    const rate = isHeavy ? Math.ceil(bytesPerSecond / heavyBytes / 2) : lightRate
    const numbers = (process: number): string => `${process} ${process} ${producerCount} ${rate} ${size}`
    const java = await this.#clients.startJava()
    const librdkafka = await this.#clients.startLibrdkafka()
    librdkafka.tell('watch')
    java.tell(`reader ${readers.java}`)
    if (!isHeavy) {
      librdkafka.tell(`reader ${readers.librdkafka}`)
      for (const member of readers.members) java.tell(`member ${member} group-of-${topic}`)
    }
    java.tell(`producer ${numbers(producers.java)}`)
    librdkafka.tell(`producer ${numbers(producers.librdkafka)}`)
    if (!isHeavy) {
      const script = join(import.meta.dirname, 'kafkajs-clients.ts')
      const kafkajs = this.#clients.start('kafkajs', process.execPath, [script])
      kafkajs.tell(`producer ${numbers(producers.kafkajs)}`)
    }
    await this.advances()
  }

  /** Waits until everybody gets on from here: as Workload.advances of test/cluster. */
  advances(deadlineMs = 60_000): Promise<number> {
    const all = Object.values(producers)
    const writing = this.#isHeavy ? all.filter(process => process !== producers.kafkajs) : all
    return this.#clients.advance(writing, this.#alone, deadlineMs)
  }

  /** Stops the producers, lets the readers come to the end, and judges. */
  async finish(deadlineMs = 120_000): Promise<LoadOutcome> {
    await this.#clients.stopProducers(deadlineMs)
    const members = this.#isHeavy ? [] : readers.members
    await this.#clients.stopReaders({ alone: this.#alone, members }, await this.#ends(), deadlineMs)
    const verdict = this.#clients.verdict()
    const isGood = verdict.anomalies.length === 0 && this.#failures.length === 0
    const brokerLogs = await this.#brokerLogs
    const outcome = {
      ...verdict,
      ...(brokerLogs === undefined ? {} : { brokerLogs }),
      failures: this.#failures,
      fewestInSync: this.#fewestInSync,
      leaderless: this.#leaderless,
      ...(isGood ? {} : { history: this.#clients.keepHistory() }),
    }
    await this.dispose()
    return outcome
  }

  /** Ends all clients at once. */
  async dispose(): Promise<void> {
    await this.#clients.dispose()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Sends whose acknowledgement their clients have told so far. */
  get acknowledgedSoFar(): number {
    return this.#acknowledged
  }

  get #isHeavy(): boolean {
    return this.#options.bytesPerSecond !== undefined
  }

  get #alone(): readonly number[] {
    return this.#isHeavy ? [readers.java] : [readers.java, readers.librdkafka]
  }

  /** The high watermark of every partition. */
  async #ends(): Promise<ReadonlyMap<number, number>> {
    const { topic, partitions } = this.#options
    const asked = Array.from({ length: partitions }, (_, index) => ['-t', `${topic}:${index}:-1`]).flat()
    const { stdout, stderr } = await this.#kubernetes.runInside([
      'kcat',
      '-Q',
      '-b',
      this.#bootstrap,
      ...asked,
    ])
    const ends = new Map<number, number>()
    for (const [, index, offset] of stdout.matchAll(/\[(\d+)\] offset (\d+)/g))
      ends.set(Number(index), Number(offset))
    if (ends.size !== partitions)
      throw new Error(`Not every partition tells where it ends: ${stdout} ${stderr}`)
    return ends
  }

  #notice(line: string): boolean {
    const [letter, ...words] = line.split(' ')
    if (letter === 'o') this.#acknowledged++
    if ((letter === 'u' || letter === 'f') && this.#failures.length < mostFailures) this.#failures.push(line)
    if (letter !== 'w') return false
    const [partition = -1, leader = -1] = words.slice(0, 2).map(Number)
    const count = (words[2] ?? '').split(',').filter(id => id !== '').length
    const told = `${new Date().toISOString()}: partition ${partition}, leader ${leader}, in sync ${words[2] ?? ''}`
    if (count < (this.#fewestInSync.get(partition)?.count ?? Number.POSITIVE_INFINITY))
      this.#fewestInSync.set(partition, { count, told })
    if (count === 1) this.#brokerLogs ??= this.#keepLogs()
    if (leader < 0) this.#leaderless.set(partition, 1 + (this.#leaderless.get(partition) ?? 0))
    return true
  }

  /** At once: the pods may be replaced before the load ends. */
  #keepLogs(): Promise<string> {
    const [, namespace = ''] = /^[^.]+\.([^.:]+)/.exec(this.#bootstrap) ?? []
    return keepLogs(this.#kubernetes, namespace, this.#options.topic)
  }
}

async function lightLoad(operated: OperatedCluster, name: string): Promise<CheckedLoad> {
  await operated.apply(topic(name, `partitions: ${partitionsUnderLoad}, replicationFactor: 3`))
  await operated.until(`bnt/${name}`, 'Ready', 'True')
  return CheckedLoad.start(operated, { topic: name, partitions: partitionsUnderLoad })
}

/**
 * A light load on a new topic with three replicas while something is done; what came of it is for the caller to judge.
 */
export async function underLoad(
  operated: OperatedCluster,
  name: string,
  work: (load: CheckedLoad) => Promise<void>,
): Promise<LoadOutcome> {
  const load = await lightLoad(operated, name)
  try {
    await work(load)
    await load.advances()
    return await load.finish()
  } finally {
    await load.dispose()
  }
}

export interface LoadThroughTests {
  readonly start: () => Promise<void>
  readonly advances: () => Promise<number>
  /** Ends it; fails as `expectNothingLost`. */
  readonly endsWithNothingLost: (limits?: LossLimits) => Promise<void>
}

/** The same through several tests of a file. It is ended after them, whatever happened. */
export function useLoad(operated: OperatedCluster, name: string): LoadThroughTests {
  let load: CheckedLoad | undefined
  afterAll(() => load?.dispose())
  const running = (): CheckedLoad => load ?? expect.fail(`The load on ${name} did not start.`)
  return {
    start: async () => {
      load = await lightLoad(operated, name)
    },
    advances: () => running().advances(),
    endsWithNothingLost: async limits => {
      await running().advances()
      expectNothingLost(await running().finish(), limits)
    },
  }
}

interface LossLimits {
  /** Below so many no partition may ever have fallen. */
  readonly leastInSync?: number
}

/** Fails with everything in words. */
export function expectNothingLost(outcome: LoadOutcome, { leastInSync = 0 }: LossLimits = {}): void {
  const words = [describeVerdict(outcome), ...outcome.failures, outcome.history ?? ''].join('\n')
  expect(outcome.anomalies, words).toEqual([])
  expect(outcome.failures, words).toEqual([])
  expect({ failed: outcome.failed, unknown: outcome.unknown }, words).toEqual({ failed: 0, unknown: 0 })
  expect(outcome.acknowledged).toBeGreaterThan(0)
  const tooFew = [...outcome.fewestInSync.values()].filter(({ count }) => count < leastInSync)
  const where = `partitions that had too few in-sync replicas, and when; ${outcome.brokerLogs ?? ''}`
  expect(tooFew, where).toEqual([])
}
