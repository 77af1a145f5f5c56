/**
 * Other people's clients at work on one topic while a cluster is harmed: idempotent producers and readers of Java,
 * librdkafka and kcat. Everything they tell goes into a file and to the checker as it comes.
 */
import { copyFileSync, createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { prepareKafkaJava, repositoryRoot } from '../targets/kafka-jars.ts'
import { RunningProcess, waitUntil } from '../targets/processes.ts'
import { apiKeys, listOffsetsBody, listOffsetsOutcome } from '../targets/wire.ts'
import { type Anomaly, HistoryChecker, type Verdict } from './checker.ts'
import type { Cluster } from './cluster.ts'
import { compareReplicas } from './compare-replicas.ts'
import { parseHistoryLine } from './history.ts'
import { KcatReader, KcatWriter } from './kcat-clients.ts'
import { prepareLibrdkafka, python } from '../targets/librdkafka.ts'
import { Progress } from './progress.ts'
import { ask } from './questions.ts'

export interface WorkloadOptions {
  readonly topic: string
  readonly partitions: number
  /** Records a second of each producer; default 150. */
  readonly rate?: number
  /** Clients notice silent brokers sooner, and one producer gives up after ten seconds: its outcomes are unknown then. */
  readonly impatient?: boolean
}

/** Process numbers of the clients. */
const producers = { java: 0, otherJava: 1, librdkafka: 2, kcat: 3 }
const readers = { java: 10, librdkafka: 11, members: [20, 21], kcat: 30 }
const producerCount = 4

export interface Outcome extends Verdict {
  /** What differs between replicas below the high watermark, in sentences. */
  readonly differences: readonly string[]
}

export class Workload {
  readonly topic: string
  readonly partitions: number
  readonly #cluster: Cluster
  readonly #checker = new HistoryChecker()
  readonly #progress: Progress
  readonly #file: string
  readonly #history: ReturnType<typeof createWriteStream>
  readonly #hosts: RunningProcess[] = []
  readonly #stopped = new Set<string>()
  #kcat: { readonly writer: KcatWriter; readonly reader: KcatReader } | null = null
  #broken: Error | null = null

  private constructor(cluster: Cluster, { topic, partitions }: WorkloadOptions) {
    this.#cluster = cluster
    this.topic = topic
    this.partitions = partitions
    this.#progress = new Progress(partitions)
    this.#file = join(cluster.directory, `${topic}.history`)
    this.#history = createWriteStream(this.#file)
  }

  /** Creates the topic, starts all clients, and waits until each has done something on every partition. */
  static async start(cluster: Cluster, options: WorkloadOptions): Promise<Workload> {
    const { topic, partitions, rate = 150, impatient = false } = options
    const { classPath } = await prepareKafkaJava()
    await prepareLibrdkafka()
    await cluster.createTopic(topic, partitions)
    const workload = new Workload(cluster, options)
    const where = [cluster.bootstrapServers, topic, String(partitions)]
    const jvm = ['-Xmx256M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath]
    const logging = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'
    const java = workload.#host('java', 'java', [logging, ...jvm, 'HistoryClients', ...where])
    const script = join(import.meta.dirname, 'librdkafka-clients.py')
    const librdkafka = workload.#host('librdkafka', python, ['-u', script, ...where])

    const hurried = impatient ? ' delivery.timeout.ms=10000 request.timeout.ms=3000 max.block.ms=10000' : ''
    // What is under way to a broker that says nothing any more is waited for so long; a minute by default.
    const noticing = impatient ? ' socket.timeout.ms=10000' : ''
    java.tell(`reader ${readers.java}`)
    for (const member of readers.members) java.tell(`member ${member} group-of-${topic}`)
    librdkafka.tell(`reader ${readers.librdkafka}${noticing}`)
    java.tell(`producer ${producers.java} ${producers.java} ${producerCount} ${rate}`)
    java.tell(`producer ${producers.otherJava} ${producers.otherJava} ${producerCount} ${rate}${hurried}`)
    librdkafka.tell(
      `producer ${producers.librdkafka} ${producers.librdkafka} ${producerCount} ${rate}${noticing}`,
    )
    const onLine = (line: string): void => workload.#take(line)
    const process = producers.kcat
    workload.#kcat = {
      writer: new KcatWriter(cluster, {
        topic,
        partitions,
        process,
        first: process,
        step: producerCount,
        onLine,
      }),
      reader: new KcatReader(cluster, { topic, process: readers.kcat, onLine }),
    }
    await workload.advances()
    return workload
  }

  /**
   * Waits until every producer that tells offsets has had something acknowledged on every partition that it sent after
   * this call, and every reader that was assigned its partitions has read as far. Answers how long that took, in ms.
   */
  async advances(deadlineMs = 60_000): Promise<number> {
    const began = performance.now()
    const writing = [producers.java, producers.otherJava, producers.librdkafka]
    const sent = this.#progress.sent(writing)
    await this.#until(
      () => `producers get on: ${this.#progress.behind(sent)}`,
      deadlineMs,
      () => this.#progress.isAcknowledged(sent),
    )
    const written = this.#progress.acknowledgedOffsets()
    const reading = [readers.java, readers.librdkafka]
    await this.#until(
      () => `readers get on: ${this.#progress.unread(reading, written)}`,
      deadlineMs,
      () => this.#progress.isRead(reading, written),
    )
    return performance.now() - began
  }

  /** What is wrong already, while clients are still at work. */
  get anomaliesSoFar(): readonly Anomaly[] {
    return this.#checker.anomaliesSoFar
  }

  /** Stops the producers, lets the readers come to the end, stops them, and compares all that is known. */
  async finish(deadlineMs = 120_000): Promise<Outcome> {
    for (const host of this.#hosts) host.tell('stop producers')
    await this.#kcat?.writer.stop()
    await this.#until('the producers stop', deadlineMs, () => this.#haveStopped('producers'))
    await this.#cluster.inSync(this.topic, deadlineMs)
    const ends = await this.endOffsets()
    const reading = [readers.java, readers.librdkafka]
    await this.#until(
      () => `readers reach the end: ${this.#progress.unread(reading, ends)}`,
      deadlineMs,
      () => this.#progress.isRead(reading, ends),
    )
    await this.#until(
      () => `the group reaches the end: ${this.#progress.unread(readers.members, ends)}`,
      deadlineMs,
      () => this.#progress.isReadTogether(readers.members, ends),
    )
    for (const host of this.#hosts) host.tell('stop readers')
    await this.#until('the readers stop', deadlineMs, () => this.#haveStopped('readers'))
    await this.#kcat?.reader.stop()
    const differences = await this.#differences(ends)
    const outcome = { ...this.#checker.finish(), differences }
    if (outcome.anomalies.length > 0 || differences.length > 0) this.#keepHistory()
    await this.dispose()
    return outcome
  }

  /** Ends all clients at once. */
  async dispose(): Promise<void> {
    await this.#kcat?.reader.stop()
    for (const host of this.#hosts) {
      if (host.hasEnded) continue
      host.kill('SIGKILL')
      await host.ended
    }
    this.#history.end()
  }

  /** The high watermark of every partition. */
  async endOffsets(): Promise<ReadonlyMap<number, number>> {
    const ends = new Map<number, number>()
    await waitUntil(`all partitions of ${this.topic} tell where they end`, async () => {
      for (const broker of this.#cluster.brokers) {
        const body = listOffsetsBody([this.topic], this.partitions)
        const answer = await ask(broker.place, apiKeys.listOffsets, 1, body).catch(() => null)
        if (answer === null) continue
        for (const { partition, errorCode, offset } of listOffsetsOutcome(answer)) {
          if (errorCode === 0) ends.set(partition, offset)
        }
      }
      return ends.size === this.partitions || undefined
    })
    return ends
  }

  async #differences(ends: ReadonlyMap<number, number>): Promise<readonly string[]> {
    const { partitions } = await this.#cluster.view([this.topic])
    return partitions.flatMap(({ partition, replicas }) => {
      const directories = replicas.map(id => {
        const { name, logDirectory } = this.#cluster.broker(id)
        return [name, join(logDirectory, `${this.topic}-${partition}`)] as const
      })
      const differences = compareReplicas(Object.fromEntries(directories), ends.get(partition) ?? 0)
      return differences.map(difference => `${this.topic}-${partition}: ${difference}`)
    })
  }

  #host(name: string, command: string, args: readonly string[]): RunningProcess {
    const host = new RunningProcess(command, args, { onLine: line => this.#take(line, name) })
    this.#hosts.push(host)
    return host
  }

  #take(line: string, host = 'kcat'): void {
    this.#history.write(`${line}\n`)
    try {
      if (line.startsWith('stopped ')) {
        this.#stopped.add(`${line.slice('stopped '.length)} of ${host}`)
      } else if (line.startsWith('broken ')) {
        throw new Error(`A client of ${host} has ended: ${line}`)
      } else {
        const event = parseHistoryLine(line)
        if (event === null) return
        this.#checker.add(event)
        this.#progress.add(event)
      }
    } catch (error) {
      this.#broken ??= error as Error
    }
  }

  #haveStopped(who: 'producers' | 'readers'): boolean {
    return this.#stopped.has(`${who} of java`) && this.#stopped.has(`${who} of librdkafka`)
  }

  /** As waitUntil, and fails at once when a client has broken down or something is wrong already. */
  async #until(what: string | (() => string), deadlineMs: number, holds: () => boolean): Promise<void> {
    await waitUntil(
      what,
      () => {
        if (this.#broken !== null) throw this.#broken
        const ended = this.#hosts.find(({ hasEnded }) => hasEnded)
        if (ended !== undefined)
          throw new Error(`Clients have ended; they said: ${ended.output.slice(-3_000)}`)
        const [anomaly] = this.#checker.anomaliesSoFar
        if (anomaly !== undefined) {
          throw new Error(
            `${anomaly.kind}: ${anomaly.examples.join('; ')}. The history: ${this.#keepHistory()}`,
          )
        }
        return holds() || undefined
      },
      { deadlineMs, everyMs: 50 },
    )
  }

  /** Copies the history to where it outlives the run. */
  #keepHistory(): string {
    const kept = join(repositoryRoot, '.cache', 'faults')
    mkdirSync(kept, { recursive: true })
    const file = join(kept, `${this.topic}-${Date.now()}.history`)
    copyFileSync(this.#file, file)
    return file
  }
}
