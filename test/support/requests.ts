import {
  batchesOf,
  type BatchToBuild,
  buildBatch,
  createTopics,
  type Decoded,
  type DecodedRecord,
  decodeRecords,
  type Encodable,
  errorName,
  type ErrorName,
  fetch,
  incrementalAlterConfigs,
  initProducerId,
  listOffsets,
  metadata,
  produce,
  type RecordToBuild,
  zeroUuid,
} from '../../protocol/index.ts'
import type { BrokerConnection } from './broker-connection.ts'

/** What most tests of a whole broker ask for, in the shortest words; errors come by their names. */

export interface TopicToCreate {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string | null>>
  readonly validateOnly?: boolean
  readonly timeoutMs?: number
}

/** Creates a topic and answers what the broker said. */
export async function createTopic(client: BrokerConnection, name: string, topic: TopicToCreate = {}) {
  const configs = Object.entries(topic.configs ?? {}).map(([key, value]) => ({ name: key, value }))
  const answer = await client.request(createTopics, 7, {
    topics: [
      {
        name,
        numPartitions: topic.partitions ?? 1,
        replicationFactor: topic.replicationFactor ?? 1,
        assignments: [],
        configs,
      },
    ],
    validateOnly: topic.validateOnly ?? false,
    timeoutMs: topic.timeoutMs ?? 30_000,
  })
  const [result] = answer.topics
  if (result === undefined) throw new Error('The answer to CreateTopics is empty.')
  return { ...result, error: errorName(result.errorCode) }
}

/** Creates a topic that must not fail, and answers its id. */
export async function topicOf(client: BrokerConnection, name: string, topic: TopicToCreate = {}) {
  const { error, errorMessage, topicId } = await createTopic(client, name, topic)
  if (error !== 'NONE') throw new Error(`${name} was not created: ${error} ${errorMessage}`)
  return topicId
}

/** A batch of records with these values, written now unless `timestamp` says otherwise. */
export function batchOf(
  values: readonly (string | null | Partial<RecordToBuild>)[],
  options: Omit<BatchToBuild, 'records'> & { readonly timestamp?: number } = {},
): Buffer {
  const { timestamp = Date.now(), ...batch } = options
  const records = values.map(value =>
    value === null || typeof value === 'string'
      ? { key: null, value: value === null ? null : Buffer.from(value), timestamp }
      : { key: null, value: null, timestamp, ...value },
  )
  return buildBatch({ ...batch, records })
}

export interface ProduceOptions {
  readonly acks?: number
  readonly version?: number
  readonly partition?: number
  readonly timeoutMs?: number
  readonly topicId?: string
}

export function produceRequest(
  topic: string,
  records: Buffer | null,
  options: ProduceOptions = {},
): Encodable<typeof produce.request> {
  const { acks = -1, partition = 0, timeoutMs = 10_000, topicId } = options
  const named = topicId === undefined ? { name: topic } : { topicId }
  return { acks, timeoutMs, topicData: [{ ...named, partitionData: [{ index: partition, records }] }] }
}

/** Produces one batch to one partition and answers what became of it. */
export async function produceTo(
  client: BrokerConnection,
  topic: string,
  records: Buffer | null,
  options: ProduceOptions = {},
) {
  const version = options.version ?? (options.topicId === undefined ? 12 : 13)
  const answer = await client.request(produce, version, produceRequest(topic, records, options))
  const result = answer.responses[0]?.partitionResponses[0]
  if (result === undefined) throw new Error('The answer to Produce is empty.')
  return { ...result, error: errorName(result.errorCode) }
}

export interface FetchOptions {
  readonly version?: number
  readonly partition?: number
  readonly offset?: number
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly isolationLevel?: number
  readonly topicId?: string
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
  readonly replicaId?: number
  readonly sessionId?: number
  readonly sessionEpoch?: number
}

export function fetchRequest(topic: string, options: FetchOptions = {}): Encodable<typeof fetch.request> {
  const { version = 12, maxWaitMs = 0, minBytes = 1, maxBytes = 2 ** 26, replicaId = -1 } = options
  const { isolationLevel = 0, sessionId = 0, sessionEpoch = -1, topicId = zeroUuid } = options
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    ...(version >= 7 ? { sessionId, sessionEpoch } : {}),
    ...(version >= 15 ? { replicaState: { replicaId, replicaEpoch: -1 } } : { replicaId }),
    topics: [
      {
        ...(version >= 13 ? { topicId } : { topic }),
        partitions: [
          {
            partition: options.partition ?? 0,
            fetchOffset: options.offset ?? 0,
            partitionMaxBytes: options.partitionMaxBytes ?? 2 ** 20,
            ...(version >= 9 ? { currentLeaderEpoch: options.currentLeaderEpoch ?? -1 } : {}),
            ...(version >= 12 ? { lastFetchedEpoch: options.lastFetchedEpoch ?? -1 } : {}),
          },
        ],
      },
    ],
  }
}

/** Fetches one partition; errors at the top of the answer are thrown. */
export async function fetchFrom(client: BrokerConnection, topic: string, options: FetchOptions = {}) {
  const version = options.version ?? (options.topicId === undefined ? 12 : 18)
  const answer = await client.request(fetch, version, fetchRequest(topic, { ...options, version }))
  if (answer.errorCode !== 0) throw new Error(errorName(answer.errorCode))
  const result = answer.responses[0]?.partitions[0]
  if (result === undefined) throw new Error('The answer to Fetch is empty.')
  return { ...result, error: errorName(result.errorCode), sessionId: answer.sessionId }
}

/** The records in fetched bytes; a batch that is cut off at the end is left out. */
export function recordsIn(bytes: Buffer | null): DecodedRecord[] {
  const records: DecodedRecord[] = []
  if (bytes === null) return records
  for (const batch of batchesOf(bytes)) {
    if (!batch.isControl) records.push(...decodeRecords(batch, { maxDecompressedBytes: 2 ** 26 }))
  }
  return records
}

export function valuesIn(bytes: Buffer | null): (string | null)[] {
  return recordsIn(bytes).map(({ value }) => (value === null ? null : value.toString()))
}

/** All values of a partition from `offset` on, by as many fetches as it takes. */
export async function readAll(
  client: BrokerConnection,
  topic: string,
  options: { readonly partition?: number; readonly offset?: number } = {},
): Promise<(string | null)[]> {
  const values: (string | null)[] = []
  let offset = options.offset ?? 0
  for (;;) {
    const { error, highWatermark, records } = await fetchFrom(client, topic, { ...options, offset })
    if (error !== 'NONE') throw new Error(error)
    for (const record of recordsIn(records)) {
      if (record.offset < offset) continue
      values.push(record.value === null ? null : record.value.toString())
      offset = record.offset + 1
    }
    if (offset >= highWatermark) return values
  }
}

/** One offset by time or special timestamp. */
export async function offsetAt(
  client: BrokerConnection,
  topic: string,
  timestamp: number,
  options: { readonly version?: number; readonly partition?: number; readonly leaderEpoch?: number } = {},
) {
  const { version = 11, partition = 0, leaderEpoch = -1 } = options
  const asked = { partitionIndex: partition, timestamp }
  const answer = await client.request(listOffsets, version, {
    replicaId: -1,
    topics: [
      {
        name: topic,
        partitions: [version >= 4 ? { ...asked, currentLeaderEpoch: leaderEpoch } : asked],
      },
    ],
  })
  const result = answer.topics[0]?.partitions[0]
  if (result === undefined) throw new Error('The answer to ListOffsets is empty.')
  return { ...result, error: errorName(result.errorCode) }
}

/** What Metadata says of topics by name; creates none unless told to. */
export async function metadataOf(
  client: BrokerConnection,
  names: readonly string[] | null,
  options: { readonly autoCreate?: boolean } = {},
): Promise<Decoded<typeof metadata.response>> {
  return client.request(metadata, 12, {
    topics: names === null ? null : names.map(name => ({ name })),
    allowAutoTopicCreation: options.autoCreate ?? false,
  })
}

export async function newProducerId(client: BrokerConnection): Promise<number> {
  const answer = await client.request(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
  if (answer.errorCode !== 0) throw new Error(errorName(answer.errorCode))
  return answer.producerId
}

export const resource = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** Sets (or with null deletes) settings of one resource; answers the error and its sentence. */
export async function setConfigs(
  client: BrokerConnection,
  resourceType: number,
  resourceName: string,
  configs: Readonly<Record<string, string | null>>,
): Promise<{ error: ErrorName; message: string | null }> {
  const answer = await client.request(incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType,
        resourceName,
        configs: Object.entries(configs).map(([name, value]) => ({
          name,
          configOperation: value === null ? 1 : 0,
          value,
        })),
      },
    ],
    validateOnly: false,
  })
  const [result] = answer.responses
  if (result === undefined) throw new Error('The answer to IncrementalAlterConfigs is empty.')
  return { error: errorName(result.errorCode), message: result.errorMessage }
}
