/**
 * Other people's clients at work on one topic while a cluster is harmed: idempotent producers and readers of Java,
 * librdkafka and kcat. Everything they tell goes into a file and to the checker as it comes.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../targets/processes.ts'
import { apiKeys, listOffsetsBody, listOffsetsOutcome } from '../targets/wire.ts'
import type { Anomaly, Verdict, WasSentAnew } from './checker.ts'
import type { Cluster } from './cluster.ts'
import { compareReplicas, producerAt } from './compare-replicas.ts'
import { HistoryClients } from './history-clients.ts'
import { KcatReader, KcatWriter } from './kcat-clients.ts'
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
const alone = [readers.java, readers.librdkafka]
const producerCount = 4

export interface Outcome extends Verdict {
  /** What differs between replicas below the high watermark, in sentences. */
  readonly differences: readonly string[]
}

export class Workload {
  readonly topic: string
  readonly partitions: number
  readonly #cluster: Cluster
  readonly #clients: HistoryClients
  #kcat: { readonly writer: KcatWriter; readonly reader: KcatReader } | null = null

  private constructor(cluster: Cluster, { topic, partitions }: WorkloadOptions) {
    this.#cluster = cluster
    this.topic = topic
    this.partitions = partitions
    const { bootstrapServers, directory } = cluster
    const file = join(directory, `${topic}.history`)
    const wasSentAnew = this.#wasSentAnew
    this.#clients = new HistoryClients({ topic, partitions, bootstrapServers, file, wasSentAnew })
  }

  /** Creates the topic, starts all clients, and waits until each has done something on every partition. */
  static async start(cluster: Cluster, options: WorkloadOptions): Promise<Workload> {
    const { topic, partitions, rate = 150, impatient = false } = options
    await cluster.createTopic(topic, partitions)
    const workload = new Workload(cluster, options)
    const java = await workload.#clients.startJava()
    const librdkafka = await workload.#clients.startLibrdkafka()

    const hurried = impatient ? ' delivery.timeout.ms=10000 request.timeout.ms=3000 max.block.ms=10000' : ''
    // What is under way to a broker that says nothing any more is waited for so long; a minute by default.
    const noticing = impatient ? ' socket.timeout.ms=10000' : ''
    java.tell(`reader ${readers.java}`)
    for (const member of readers.members) java.tell(`member ${member} group-of-${topic}`)
    librdkafka.tell(`reader ${readers.librdkafka}${noticing}`)
    const numbers = (process: number): string => `${process} ${process} ${producerCount} ${rate} 0`
    java.tell(`producer ${numbers(producers.java)}`)
    java.tell(`producer ${numbers(producers.otherJava)}${hurried}`)
    librdkafka.tell(`producer ${numbers(producers.librdkafka)}${noticing}`)
    const onLine = (line: string): void => workload.#clients.take(line)
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
  advances(deadlineMs = 60_000): Promise<number> {
    const writing = [producers.java, producers.otherJava, producers.librdkafka]
    return this.#clients.advance(writing, alone, deadlineMs)
  }

  /** What is wrong already, while clients are still at work. */
  get anomaliesSoFar(): readonly Anomaly[] {
    return this.#clients.anomaliesSoFar
  }

  /** Stops the producers, lets the readers come to the end, stops them, and compares all that is known. */
  async finish(deadlineMs = 120_000): Promise<Outcome> {
    await this.#kcat?.writer.stop()
    await this.#clients.stopProducers(deadlineMs)
    await this.#cluster.inSync(this.topic, deadlineMs)
    const ends = await this.endOffsets()
    await this.#clients.stopReaders({ alone, members: readers.members }, ends, deadlineMs)
    await this.#kcat?.reader.stop()
    const differences = await this.#differences(ends)
    const outcome = { ...this.#clients.verdict(), differences }
    if (outcome.anomalies.length > 0 || differences.length > 0) this.#clients.keepHistory()
    await this.dispose()
    return outcome
  }

  /** Ends all clients at once. */
  async dispose(): Promise<void> {
    await this.#kcat?.reader.stop()
    await this.#clients.dispose()
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

  readonly #wasSentAnew: WasSentAnew = (partition, one, other) => {
    const folders = this.#cluster.brokers.map(({ logDirectory }) =>
      join(logDirectory, `${this.topic}-${partition}`),
    )
    const pairs = folders
      .filter(folder => existsSync(folder))
      .map(folder => [producerAt(folder, one), producerAt(folder, other)] as const)
      .filter(([first, second]) => first !== null && second !== null)
    return pairs.length > 0 && pairs.every(([first, second]) => first !== second)
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
}
