import { type Encodable, errorCode, type ErrorName, produce } from '../../protocol/index.ts'
import type { Partition } from '../replication/partition.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { TopicTraffic } from '../metrics/topic-traffic.ts'
import { type ApiHandler, handler, LateAnswer, noResponse, type RequestContext } from './handler.ts'
import { LeaderHints, namesLeader } from './leader-hints.ts'

/**
 * Produce. Each partition succeeds or fails alone. The records are views into the connection's read buffer: they
 * are handed to the log, which copies or writes them, before this handler's first pause; that order is also what
 * keeps two requests of one connection in order.
 */
export function produceHandler(parts: {
  readonly partitions: Partitions
  readonly traffic: TopicTraffic
}): ApiHandler {
  return handler(produce, { borrowsBytes: true }, (request, context) => {
    const answer = new ProduceAnswer(parts, context)
    const refuseAll = refusalOfRequest(request.acks)
    for (const topic of request.topicData) {
      const name =
        context.apiVersion >= namesTopicsById ? parts.partitions.topicName(topic.topicId) : topic.name
      const results = answer.topic(topic.name, topic.topicId)
      for (const { index, records } of topic.partitionData) {
        if (refuseAll !== undefined) {
          results.fail(index, refuseAll.error, refuseAll.message)
        } else if (name === undefined) {
          results.fail(index, 'UNKNOWN_TOPIC_ID', `No topic has the id ${topic.topicId}.`)
        } else {
          produceToPartition(parts.partitions, name, index, records, request, context, results)
        }
      }
    }
    if (request.acks !== 0) return answer.whenSettled()
    if (answer.firstError !== undefined) {
      context.connection.close(`a Produce with acks=0 failed: ${answer.firstError}`)
    }
    return noResponse
  })
}

function refusalOfRequest(acks: number): { error: ErrorName; message: string } | undefined {
  if (acks === 0 || acks === 1 || acks === -1) return undefined
  return { error: 'INVALID_REQUIRED_ACKS', message: `acks is ${acks}; it can be 0, 1 or -1 (all).` }
}

function produceToPartition(
  partitions: Partitions,
  name: string,
  index: number,
  records: Buffer | null,
  request: { readonly acks: number; readonly timeoutMs: number },
  context: RequestContext,
  results: TopicAnswer,
): void {
  if (isInternalTopic(name) && context.clientId !== adminClientId) {
    results.fail(
      index,
      'INVALID_TOPIC_EXCEPTION',
      `${name} is an internal topic: clients may not write to it.`,
    )
    return
  }
  const partition = partitions.leader(name, index)
  if (typeof partition === 'string') {
    results.fail(index, partition, null)
    return
  }
  if (records === null) {
    results.fail(index, 'INVALID_RECORD', `The request holds no records for ${name}-${index}.`)
    return
  }
  const sizeInBytes = records.length
  const outcome = partition.append(records, {
    acks: request.acks,
    origin: 'client',
    apiVersion: context.apiVersion,
  })
  if (outcome.kind === 'refused') {
    results.refused(index, outcome)
    return
  }
  results.appended(partition, request, outcome, sizeInBytes)
}

/** Gathers the results of all partitions, some now, some when they are written or committed. */
class ProduceAnswer {
  readonly #traffic: TopicTraffic
  readonly #partitions: Partitions
  readonly #context: RequestContext
  readonly #responses: TopicAnswer[] = []
  #pending = 0
  readonly #late = new LateAnswer<Encodable<typeof produce.response>>()
  firstError: ErrorName | undefined

  constructor(
    parts: { readonly partitions: Partitions; readonly traffic: TopicTraffic },
    context: RequestContext,
  ) {
    this.#traffic = parts.traffic
    this.#partitions = parts.partitions
    this.#context = context
    parts.traffic.produceRequests++
  }

  topic(name: string, topicId: string): TopicAnswer {
    const topic = new TopicAnswer(this, name, topicId)
    this.#responses.push(topic)
    return topic
  }

  whenSettled(): Encodable<typeof produce.response> | LateAnswer<Encodable<typeof produce.response>> {
    return this.#pending === 0 ? this.#response() : this.#late
  }

  waitFor(
    partition: Partition,
    acks: number,
    endOffset: number,
    timeoutMs: number,
    result: PartitionResult,
  ): void {
    this.#pending++
    partition.acknowledge(acks, endOffset, timeoutMs, outcome => {
      if (outcome !== 'NONE') {
        result.errorCode = errorCode(outcome)
        result.baseOffset = -1
        result.logStartOffset = -1
        this.firstError ??= outcome
      }
      this.#pending--
      if (this.#pending === 0) this.#late.answer(this.#response())
    })
  }

  /** With acks=0 there is no answer: closing is the only way to make the producer look for the right leader. */
  closeOnFailure(partition: Partition, endOffset: number, timeoutMs: number): void {
    partition.acknowledge(1, endOffset, timeoutMs, outcome => {
      if (outcome !== 'NONE') this.#context.connection.close(`a Produce with acks=0 failed: ${outcome}`)
    })
  }

  count(topic: string, messages: number, bytes: number): void {
    this.#traffic.produced(topic, messages, bytes)
  }

  countFailure(): void {
    this.#traffic.produceFailed()
  }

  #response(): Encodable<typeof produce.response> {
    const nodeEndpoints =
      this.firstError === undefined || this.#context.apiVersion < namesLeadersSince ? [] : this.#nameLeaders()
    return {
      responses: this.#responses,
      throttleTimeMs: 0,
      ...(nodeEndpoints.length === 0 ? {} : { nodeEndpoints }),
    }
  }

  #nameLeaders(): LeaderHints['endpoints'] {
    const hints = new LeaderHints(() => this.#partitions.image, this.#context.listenerName)
    for (const { name, topicId, partitionResponses } of this.#responses) {
      for (const result of partitionResponses) {
        if (!namesLeader(result.errorCode)) continue
        const topic = name === '' ? this.#partitions.topicName(topicId) : name
        if (topic !== undefined) result.currentLeader = hints.leaderOf(topic, result.index)
      }
    }
    return hints.endpoints
  }
}

/** The part of the answer for one topic; has the fields of the message, so that it is encoded as it is. */
class TopicAnswer {
  readonly name: string
  readonly topicId: string
  readonly partitionResponses: PartitionResult[] = []
  readonly #answer: ProduceAnswer

  constructor(answer: ProduceAnswer, name: string, topicId: string) {
    this.#answer = answer
    this.name = name
    this.topicId = topicId
  }

  fail(index: number, error: ErrorName, message: string | null): void {
    this.#answer.firstError ??= error
    this.#answer.countFailure()
    this.partitionResponses.push({
      index,
      errorCode: errorCode(error),
      baseOffset: -1,
      logAppendTimeMs: -1,
      logStartOffset: -1,
      errorMessage: message,
    })
  }

  refused(index: number, refusal: Extract<AppendOutcome, { kind: 'refused' }>): void {
    this.fail(index, refusal.error, refusal.message)
    const result = this.partitionResponses.at(-1)
    if (refusal.recordErrors !== undefined && result !== undefined) {
      result.recordErrors = refusal.recordErrors.map(({ batchIndex, message }) => ({
        batchIndex,
        batchIndexErrorMessage: message,
      }))
    }
  }

  appended(
    partition: Partition,
    request: { readonly acks: number; readonly timeoutMs: number },
    outcome: Extract<AppendOutcome, { baseOffset: number }>,
    sizeInBytes: number,
  ): void {
    const result: PartitionResult = {
      index: partition.index,
      // A word of success for clients, which says that there is no offset to tell.
      errorCode: outcome.baseOffset === -1 ? errorCode('DUPLICATE_SEQUENCE_NUMBER') : 0,
      baseOffset: outcome.baseOffset,
      logAppendTimeMs: outcome.logAppendTimeMs,
      logStartOffset: partition.log.logStartOffset,
    }
    this.partitionResponses.push(result)
    if (outcome.kind === 'appended') {
      this.#answer.count(partition.topic, outcome.lastOffset - outcome.baseOffset + 1, sizeInBytes)
    }
    if (request.acks === 0) {
      this.#answer.closeOnFailure(partition, outcome.lastOffset + 1, request.timeoutMs)
      return
    }
    this.#answer.waitFor(partition, request.acks, outcome.lastOffset + 1, request.timeoutMs, result)
  }
}

type AppendOutcome = ReturnType<Partition['append']>

interface PartitionResult {
  readonly index: number
  errorCode: number
  baseOffset: number
  readonly logAppendTimeMs: number
  logStartOffset: number
  recordErrors?: { batchIndex: number; batchIndexErrorMessage: string }[]
  readonly errorMessage?: string | null
  currentLeader?: ReturnType<LeaderHints['leaderOf']>
}

/** The version that brought who leads instead (KIP-951). */
const namesLeadersSince = 10

/** The version from which on topics come by id alone. */
const namesTopicsById = 13

/** The Java admin client may write to internal topics, as in Kafka. */
const adminClientId = '__admin_client'

const internalTopics = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}
