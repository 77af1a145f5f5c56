/** Writes to many partitions of a cluster over raw sockets, to see when each of them takes a record again. */
import { WireConnection } from '../targets/wire-connection.ts'
import { apiKeys, produceBody, produceOutcome, recordBatch } from '../targets/wire.ts'
import { askCluster, type PartitionView } from '../cluster/questions.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { letPass } from '../cluster/let-pass.ts'

/** Writes under way at once on each connection. */
const underWay = 200
/** Brokers that elect leaders have something else to do than to list 10,000 partitions again and again. */
const everyMs = 50
/** A tenth of the back-off of Kafka's clients. */
const afterRefusalMs = 10
const patienceMs = 300_000

/** By broker. */
type Connections = Map<number, Promise<WireConnection>>

/**
 * Tries each partition until it has acknowledged a record with acks=all; tells when each did, in ms after `began`
 * (performance.now()), in no order. `askFrom` names the broker that is asked who leads.
 */
export async function firstWrites(
  cluster: Cluster,
  topics: readonly string[],
  wanted: (partition: PartitionView) => boolean,
  began: number,
  askFrom: number,
): Promise<number[]> {
  const batch = recordBatch([{ value: Buffer.from('first') }], Date.now())
  const times: number[] = []
  const connections: Connections = new Map()
  const deadline = began + patienceMs
  let waiting: Map<string, string> | null = null
  try {
    for (;;) {
      const asked: readonly string[] = waiting === null ? topics : [...new Set(waiting.values())]
      const view = await askCluster(cluster.broker(askFrom).place, asked, 30_000)
      const partitions = view.partitions.filter(wanted)
      waiting ??= new Map(partitions.map(one => [nameOf(one), one.topic]))
      const open = partitions.filter(one => waiting?.has(nameOf(one)))
      if (performance.now() > deadline) throw new Error(`${open.length} partitions take no record.`)
      for (let start = 0; start < open.length; start += underWay) {
        await Promise.all(
          open.slice(start, start + underWay).map(async partition => {
            if (!(await write(cluster, connections, partition, batch))) return
            waiting?.delete(nameOf(partition))
            times.push(performance.now() - began)
          }),
        )
      }
      if (waiting.size === 0) return times
      await letPass(everyMs)
    }
  } finally {
    await closeAll(connections)
  }
}

const nameOf = ({ topic, partition }: PartitionView): string => `${topic}-${partition}`

/** Whether the leader that is told of takes a record. */
async function write(
  cluster: Cluster,
  connections: Connections,
  { topic, partition, leader }: PartitionView,
  batch: Buffer,
): Promise<boolean> {
  if (leader < 0 || !cluster.broker(leader).isRunning) return false
  const { host, port } = cluster.broker(leader).place
  const opening = connections.get(leader) ?? WireConnection.open(port, host)
  connections.set(leader, opening)
  try {
    const connection = await opening
    const answer = await connection.request(
      apiKeys.produce,
      7,
      produceBody(topic, partition, batch, -1, 5_000),
    )
    return produceOutcome(answer).errorCode === 0
  } catch {
    if (connections.get(leader) === opening) connections.delete(leader)
    return false
  }
}

async function closeAll(connections: Connections): Promise<void> {
  for (const opening of connections.values()) {
    const connection = await opening.catch(() => null)
    connection?.close()
  }
}

/** One writer to one partition, a record after the other, through whatever happens; keeps the longest wait for one. */
export class PatientWriter {
  readonly #done: Promise<void>
  #writing = true
  #longestMs = 0
  #acknowledged = 0

  constructor(cluster: Cluster, topic: string, partition: number) {
    this.#done = this.#write(cluster, topic, partition)
    this.#done.catch(() => {}) // looked at by stop()
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** The longest time between two acknowledgements, in ms. */
  async stop(): Promise<number> {
    this.#writing = false
    await this.#done
    return this.#longestMs
  }

  async #write(cluster: Cluster, topic: string, partition: number): Promise<void> {
    const batch = recordBatch([{ value: Buffer.from('patient') }], Date.now())
    const connections: Connections = new Map()
    let view = await cluster.partition(topic, partition)
    let last = performance.now()
    while (this.#writing) {
      if (!(await write(cluster, connections, view, batch))) {
        if (performance.now() - last > 60_000)
          throw new Error(`${topic}-${partition} takes no record for a minute.`)
        await letPass(afterRefusalMs)
        view = await cluster.partition(topic, partition)
        continue
      }
      this.#acknowledged++
      this.#longestMs = Math.max(this.#longestMs, performance.now() - last)
      last = performance.now()
    }
    await closeAll(connections)
  }
}
