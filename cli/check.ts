/**
 * `barnabas check`: proves a cluster by doing what clients do. One record is produced with acks=all to a topic made for it,
 * read back, and the topic deleted.
 */
import {
  buildBatch,
  decodeRecords,
  deleteTopics,
  errorName,
  fetch,
  metadata,
  produce,
  RecordBatchView,
  zeroUuid,
} from '../protocol/index.ts'
import { Connection, ConnectionError, createNewTopics, type Requester } from '../client/index.ts'
import { type Clock, sleep, systemClock } from '../runtime/clock.ts'
import { randomInt, systemRandom } from '../runtime/random.ts'
import { connectToAny } from './connect-to-any.ts'

export interface CheckOptions {
  readonly bootstrapServer: string
  /** How long a cluster may take to come up, in seconds. */
  readonly wait: number
}

const clientId = 'barnabas-check'
const timeoutMs = 10_000
const betweenAttemptsMs = 1000

/** Resolves with the exit code: 0 the record came back, 1 it did not in time. */
export async function check(
  { bootstrapServer, wait }: CheckOptions,
  clock: Clock = systemClock,
): Promise<number> {
  const endMs = clock.monotonicMs() + wait * 1000
  const topic = `barnabas-check-${randomInt(systemRandom, 1_000_000_000)}`
  for (;;) {
    try {
      const { producedMs, consumedMs } = await attempt(bootstrapServer, topic, clock)
      process.stdout.write(`A record was produced in ${producedMs} ms and consumed in ${consumedMs} ms.\n`)
      return 0
    } catch (error) {
      if (!(error instanceof ConnectionError) && !(error instanceof CheckFailure)) throw error
      if (clock.monotonicMs() >= endMs) {
        process.stderr.write(`The cluster does not work: ${error.message}\n`)
        return 1
      }
    }
    await sleep(clock, betweenAttemptsMs)
  }
}

/** What failed, in a sentence. */
class CheckFailure extends Error {}

interface Took {
  readonly producedMs: number
  readonly consumedMs: number
}

async function attempt(bootstrap: string, topic: string, clock: Clock): Promise<Took> {
  const any = await connectToAny(bootstrap, clientId, timeoutMs)
  try {
    const [created] = await createNewTopics(any, [{ name: topic, partitions: 1, settings: new Map() }])
    if (created === undefined || !['NONE', 'TOPIC_ALREADY_EXISTS'].includes(created.error)) {
      throw new CheckFailure(`Topic ${topic} was not created: ${created?.message ?? 'no answer'}`)
    }
    const { leader, topicId } = await findLeader(any, topic)
    const connection = await Connection.open({ ...leader, clientId, timeoutMs })
    try {
      return await sendAndReceive(connection, topic, topicId, clock)
    } finally {
      await connection.close()
    }
  } finally {
    try {
      await removeTopic(any, topic)
    } finally {
      await any.close()
    }
  }
}

async function findLeader(
  connection: Requester,
  topic: string,
): Promise<{ readonly leader: { readonly host: string; readonly port: number }; readonly topicId: string }> {
  const { brokers, topics } = await connection.send(metadata, {
    topics: [{ name: topic }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  const [described] = topics
  const leader = brokers.find(({ nodeId }) => nodeId === described?.partitions[0]?.leaderId)
  if (described === undefined || leader === undefined)
    throw new CheckFailure(`Topic ${topic} has no leader yet.`)
  return { leader: { host: leader.host, port: leader.port }, topicId: described.topicId }
}

async function sendAndReceive(
  connection: Requester,
  topic: string,
  topicId: string,
  clock: Clock,
): Promise<Took> {
  const value = Buffer.from(`${topic} ${clock.nowMs()}`)
  const records = buildBatch({ records: [{ value, timestamp: clock.nowMs() }] })
  const beganMs = clock.monotonicMs()
  const produced = await connection.send(produce, {
    transactionalId: null,
    acks: -1,
    timeoutMs,
    topicData: [{ name: topic, topicId, partitionData: [{ index: 0, records }] }],
  })
  const outcome = produced.responses[0]?.partitionResponses[0]
  if (outcome === undefined || outcome.errorCode !== 0) {
    throw new CheckFailure(`The record was refused: ${errorName(outcome?.errorCode ?? -1)}.`)
  }
  const producedAtMs = clock.monotonicMs()
  const fetched = await connection.send(fetch, {
    maxWaitMs: 1000,
    minBytes: 1,
    topics: [
      {
        topic,
        topicId,
        partitions: [{ partition: 0, fetchOffset: outcome.baseOffset, partitionMaxBytes: 1_048_576 }],
      },
    ],
  })
  const partition = fetched.responses[0]?.partitions[0]
  if (!holds(partition?.records ?? null, value)) {
    throw new CheckFailure(
      `The record did not come back: ${errorName(partition?.errorCode ?? fetched.errorCode)}.`,
    )
  }
  return {
    producedMs: Math.round(producedAtMs - beganMs),
    consumedMs: Math.round(clock.monotonicMs() - producedAtMs),
  }
}

/** Whether the first batch has a record with this value: the topic has no other. */
function holds(records: Buffer | null, value: Buffer): boolean {
  if (records === null || records.length === 0) return false
  const found = [...decodeRecords(new RecordBatchView(records), { maxDecompressedBytes: 1_048_576 })]
  return found.some(record => record.value?.equals(value) === true)
}

async function removeTopic(connection: Requester, name: string): Promise<void> {
  await connection.send(deleteTopics, {
    topics: [{ name, topicId: zeroUuid }],
    topicNames: [name],
    timeoutMs,
  })
}
