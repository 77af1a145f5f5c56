import { afterEach, expect, test } from 'vitest'
import { electLeaders, errorName, type ErrorName, fetch, listOffsets } from '../../../protocol/index.ts'
import { BrokerConnection } from '../../support/broker-connection.ts'
import {
  heldBy,
  inSync,
  partitionOf,
  replicatedTopic,
  rolesOf,
  write,
} from '../../support/replicated-topic.ts'
import { batchOf, fetchRequest, newProducerId, produceTo, valuesIn } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster

afterEach(() => cluster.remove())

/** What clients do again after a while; anything else is told to who sent the record. */
const retriable: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REQUEST_TIMED_OUT',
  'UNKNOWN_TOPIC_OR_PARTITION',
])

/** A client with connections of its own, which goes where the metadata of this or that broker says that the leader is. */
class Client {
  readonly #connections = new Map<number, BrokerConnection>()
  #turns = 0

  /** Undefined where the connection was lost, or nobody leads. */
  async atLeader<Answer>(
    ask: (leader: BrokerConnection, leaderEpoch: number) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const ids = [...cluster.brokers.keys()]
    const asked = ids[this.#turns++ % ids.length]!
    try {
      const { leaderId, leaderEpoch } = await partitionOf(await this.#to(asked), 'topic')
      if (leaderId === -1) return undefined
      return await ask(await this.#to(leaderId), leaderEpoch)
    } catch (error) {
      if (!(error instanceof Error) || !/closed|ECONN|does not run/.test(error.message)) throw error
      for (const connection of this.#connections.values()) await connection.close()
      this.#connections.clear()
      return undefined
    }
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.close()
  }

  async #to(id: number): Promise<BrokerConnection> {
    const known = this.#connections.get(id)
    if (known !== undefined) return known
    const connection = await BrokerConnection.connect(cluster.broker(id).port)
    this.#connections.set(id, connection)
    return connection
  }
}

/** Sends one record after the other until it is told to stop; answers how many. Fails on what no client does again. */
async function writeUntil(stop: AbortSignal, onWritten: (count: number) => void): Promise<number> {
  const client = new Client()
  let producerId: number | undefined
  while (producerId === undefined) producerId = await client.atLeader(newProducerId)
  const producer = { producerId, producerEpoch: 0 }
  let count = 0
  let newestEpoch = -1
  for (; !stop.aborted; count++) {
    const batch = batchOf([String(count)], { ...producer, baseSequence: count })
    for (;;) {
      const answer = await client.atLeader(async (leader, leaderEpoch) => {
        // Clients go by the newest epoch they know of: who was leader before may not know it yet.
        if (leaderEpoch < newestEpoch) return undefined
        newestEpoch = leaderEpoch
        return produceTo(leader, 'topic', batch, { timeoutMs: 1000 })
      })
      if (answer?.error === 'NONE') {
        expect(answer.baseOffset).toBe(count)
        break
      }
      if (answer !== undefined && !retriable.has(answer.error)) throw new Error(answer.error)
    }
    onWritten(count + 1)
  }
  await client.close()
  return count
}

/** Asks for the end and for everything below it, over and over, and compares with what it saw before. */
async function watchUntil(stop: AbortSignal): Promise<{ readonly bytes: Buffer; readonly epochs: number }> {
  const client = new Client()
  const ends = new Map<number, number>()
  let seen = Buffer.alloc(0)
  while (!stop.aborted) {
    const before = new Map(ends)
    await client.atLeader(async (leader, currentLeaderEpoch) => {
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1 }]
      const latest = await leader.request(listOffsets, 9, {
        replicaId: -1,
        topics: [{ name: 'topic', partitions }],
      })
      const { errorCode, offset } = latest.topics[0]!.partitions[0]!
      if (errorName(errorCode) !== 'NONE') return
      for (const [epoch, end] of before) {
        if (epoch <= currentLeaderEpoch && offset < end) {
          throw new Error(`The end was ${end} in epoch ${epoch} and is ${offset} in ${currentLeaderEpoch}.`)
        }
      }
      ends.set(currentLeaderEpoch, offset)
      const read = await leader.request(fetch, 12, fetchRequest('topic', { currentLeaderEpoch }))
      const answer = read.responses[0]!.partitions[0]!
      if (errorName(answer.errorCode) !== 'NONE') return
      const bytes = Buffer.from(answer.records ?? Buffer.alloc(0))
      const common = Math.min(bytes.length, seen.length)
      expect(bytes.subarray(0, common).equals(seen.subarray(0, common))).toBe(true)
      if (bytes.length > seen.length) seen = bytes
    })
  }
  await client.close()
  return { bytes: seen, epochs: ends.size }
}

async function leaderNow(): Promise<number> {
  const [id] = cluster.brokers.keys()
  return (await rolesOf(await cluster.broker(id!).connect(), 'topic')).leader
}

async function start(): Promise<void> {
  cluster = await RunningCluster.start([1, 2, 3])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 3, { 'min.insync.replicas': '2' })
}

/** `fault` while records are written and read; answers how often the leader changed while somebody looked. */
async function under(fault: (written: () => Promise<void>) => Promise<void>): Promise<number> {
  const stop = new AbortController()
  let written = 0
  const writer = writeUntil(stop.signal, count => {
    written = count
  })
  const watcher = watchUntil(stop.signal)
  const more = async (): Promise<void> => {
    const before = written
    await Promise.race([
      until(() => written >= before + 20, 'records are written', 30_000),
      writer.then(() => undefined),
      watcher.then(() => undefined),
    ])
  }
  try {
    await more()
    await fault(more)
  } finally {
    stop.abort()
  }
  const count = await writer
  const { bytes, epochs } = await watcher
  const values = valuesIn(bytes)
  const expected = Array.from({ length: count }, (_, at) => String(at))
  expect(values).toEqual(expected.slice(0, values.length))
  for (const id of [1, 2, 3]) expect(await heldBy(cluster, id, 'topic', count)).toEqual(expected)
  return epochs
}

test('leaders that stop one after the other cost no record, no repetition and no failed send', async () => {
  await start()
  const epochs = await under(async more => {
    for (let round = 0; round < 3; round++) {
      const leader = await leaderNow()
      await cluster.leave(leader)
      await more()
      await cluster.join(leader)
      await inSync(await cluster.broker(leader).connect(), 'topic', 3)
      await more()
    }
  })
  expect(epochs).toBeGreaterThan(3)
})

test('leaders that lose the store one after the other take back nothing that anybody saw', async () => {
  await start()
  const epochs = await under(async more => {
    for (let round = 0; round < 3; round++) {
      const leader = await leaderNow()
      cluster.cutFromStore(leader)
      const [other] = [...cluster.brokers.keys()].filter(id => id !== leader)
      const client = await cluster.broker(other!).connect()
      await until(async () => (await rolesOf(client, 'topic')).leader !== leader, 'another one leads')
      await more()
      cluster.reconnect(leader)
      await inSync(client, 'topic', 3)
      await more()
    }
  })
  expect(epochs).toBeGreaterThan(3)
})

test('who leads after having been restarted as a follower knows every batch that a client may send again', async () => {
  await start()
  const leader = await leaderNow()
  const client = await cluster.broker(leader).connect()
  const producer = { producerId: await newProducerId(client), producerEpoch: 0 }
  const send = (to: BrokerConnection, baseSequence: number) =>
    produceTo(to, 'topic', batchOf([String(baseSequence)], { ...producer, baseSequence }))
  for (let sequence = 0; sequence < 7; sequence++) {
    expect(await send(client, sequence)).toMatchObject({ error: 'NONE', baseOffset: sequence })
  }
  for (const id of [1, 2, 3]) {
    if (id === leader) continue
    await cluster.leave(id)
    await cluster.join(id)
    await inSync(client, 'topic', 3)
  }
  await cluster.leave(leader)
  const next = await cluster.broker(await leaderNow()).connect()
  for (let sequence = 0; sequence < 7; sequence++) {
    const known =
      sequence < 2
        ? { error: 'DUPLICATE_SEQUENCE_NUMBER', baseOffset: -1 }
        : { error: 'NONE', baseOffset: sequence }
    expect(await send(next, sequence)).toMatchObject(known)
  }
  expect(await send(next, 7)).toMatchObject({ error: 'NONE', baseOffset: 7 })
})

test('a leader that wrote nothing before another leads again follows that one', async () => {
  await start()
  const preferred = await leaderNow()
  await write(cluster, preferred, 'topic', ['0'])
  await cluster.leave(preferred)
  const between = await leaderNow()
  await cluster.join(preferred)
  const client = await cluster.broker(preferred).connect()
  await inSync(client, 'topic', 3)
  const topicPartitions = [{ topic: 'topic', partitions: [0] }]
  await client.request(electLeaders, 2, { electionType: 0, topicPartitions, timeoutMs: 10_000 })
  await until(async () => (await leaderNow()) === preferred, 'the preferred one leads again')
  await write(cluster, preferred, 'topic', ['1'])
  for (const id of [1, 2, 3]) expect(await heldBy(cluster, id, 'topic', 2)).toEqual(['0', '1'])
  expect(between).not.toBe(preferred)
})
