// Clients of a consumer group as they behave: they keep what they have until they have given it up, lose answers, go
// away and come back. What they believe that they own is what must never overlap.

import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  errorName,
} from '../../protocol/index.ts'
import { type ConsumerGroupBench, idOfTopic, nameOfTopic } from './consumer-group-bench.ts'

/** `<topic>/<partition>` */
type Place = string

export interface SimulatedClient {
  readonly name: string
  readonly alive: boolean
  readonly owned: ReadonlySet<Place>
  subscribe(topics: readonly string[]): void
  /** One exchange with the coordinator; `loseAnswer`: the client never hears of it. */
  poll(loseAnswer?: boolean): void
  /** Gives up what it was told to give up. */
  revoke(): void
  leave(): void
}

const group = 'g'
const longMs = 3_600_000

abstract class Client {
  readonly name: string
  readonly bench: ConsumerGroupBench
  topics: readonly string[]
  alive = true
  owned = new Set<Place>()
  /** What it was told to have. */
  assigned = new Set<Place>()

  constructor(name: string, bench: ConsumerGroupBench, topics: readonly string[]) {
    this.name = name
    this.bench = bench
    this.topics = topics
  }

  subscribe(topics: readonly string[]): void {
    this.topics = topics
  }

  told(places: Iterable<Place>): void {
    this.assigned = new Set(places)
    for (const place of this.assigned) this.owned.add(place)
  }

  revoke(): void {
    this.owned = new Set([...this.owned].filter(place => this.assigned.has(place)))
  }

  loseAll(): void {
    this.owned = new Set()
    this.assigned = new Set()
  }

  ownedByTopic(): { topicId: string; partitions: number[] }[] {
    const byTopic = new Map<string, number[]>()
    for (const place of this.owned) {
      const [topic, partition] = place.split('/')
      byTopic.set(topic!, [...(byTopic.get(topic!) ?? []), Number(partition)])
    }
    return Array.from(byTopic, ([topic, partitions]) => ({ topicId: idOfTopic(topic), partitions }))
  }
}

export class ConsumerClient extends Client implements SimulatedClient {
  readonly #instanceId: string | null
  #memberId: string
  #lives = 1
  #epoch = 0
  /** The next heartbeat tells everything: the first, and after an answer that never came. */
  #tellsAll = true

  constructor(name: string, bench: ConsumerGroupBench, topics: readonly string[], instanceId: string | null) {
    super(name, bench, topics)
    this.#instanceId = instanceId
    this.#memberId = name
  }

  poll(loseAnswer = false): void {
    if (!this.alive) {
      // A new process: another member id, nothing owned.
      this.alive = true
      this.#memberId = `${this.name}-${++this.#lives}`
      this.#epoch = 0
    }
    const response = this.#send(this.#epoch, loseAnswer)
    if (loseAnswer) {
      this.#tellsAll = true
      return
    }
    const error = errorName(response.errorCode)
    if (error === 'NONE') {
      this.#epoch = response.memberEpoch
      this.#tellsAll = false
      if (response.assignment)
        this.told(
          response.assignment.topicPartitions.flatMap(({ topicId, partitions }) =>
            partitions.map(partition => `${nameOfTopic(topicId)}/${partition}`),
          ),
        )
      return
    }
    if (!['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND'].includes(error))
      throw new Error(`${this.name} is told ${error}: ${response.errorMessage}`)
    this.loseAll()
    this.#epoch = 0
    this.#tellsAll = true
  }

  leave(): void {
    if (!this.alive) return
    this.loseAll()
    this.alive = false
    this.#send(this.#instanceId === null ? -1 : -2, false)
  }

  #send(memberEpoch: number, lose: boolean) {
    const all = this.#tellsAll || memberEpoch === 0
    if (memberEpoch === 0) this.loseAll()
    const response = this.bench.run(
      this.bench.commands.heartbeat(
        this.bench.state,
        {
          groupId: group,
          memberId: this.#memberId,
          memberEpoch,
          instanceId: this.#instanceId,
          rackId: null,
          rebalanceTimeoutMs: all ? longMs : -1,
          subscribedTopicNames: [...this.topics],
          subscribedTopicRegex: null,
          serverAssignor: null,
          topicPartitions: memberEpoch === 0 ? [] : this.ownedByTopic(),
        },
        1,
        { clientId: this.name, clientHost: '/127.0.0.1' },
      ),
    )
    if (response === undefined)
      throw new Error(`${this.name} is not answered, ${lose ? 'nor listening' : 'but waits'}.`)
    return response
  }
}

/** A cooperative consumer of the classic protocol. */
export class ClassicClient extends Client implements SimulatedClient {
  #generation = -1
  #memberId = ''
  #next: 'join' | 'sync' | 'beat' = 'join'

  poll(loseAnswer = false): void {
    this.alive = true
    const consumerGroup = this.bench.group()
    if (consumerGroup === undefined || consumerGroup.members.size === 0) return
    if (this.#next === 'join') this.#join(loseAnswer)
    else if (this.#next === 'sync') this.#sync(loseAnswer)
    else this.#beat(loseAnswer)
  }

  leave(): void {
    const consumerGroup = this.bench.group()
    if (this.#memberId !== '' && consumerGroup !== undefined && this.alive)
      this.bench.run(
        this.bench.commands.classicLeave(consumerGroup, [{ memberId: this.#memberId, instanceId: null }]),
      )
    this.alive = false
    this.#forget()
  }

  #join(loseAnswer: boolean): void {
    const metadata = encodeVersioned(consumerProtocolSubscription, 3, {
      topics: [...this.topics],
      userData: null,
      ownedPartitions: this.ownedByTopic().map(({ topicId, partitions }) => ({
        topic: nameOfTopic(topicId),
        partitions,
      })),
      generationId: this.#generation,
      rackId: null,
    })
    const reply = this.bench.run(
      this.bench.commands.join(this.bench.group()!, {
        memberId: this.#memberId,
        instanceId: null,
        clientId: this.name,
        clientHost: '/127.0.0.1',
        sessionTimeoutMs: longMs,
        rebalanceTimeoutMs: longMs,
        protocolType: 'consumer',
        protocols: new Map([['cooperative-sticky', metadata]]),
        mustKnowItsId: true,
        maySkipAssignment: true,
        newIdSuffix: this.name,
      }),
    )
    if (loseAnswer || reply === undefined) return
    if (reply.error === 'MEMBER_ID_REQUIRED') {
      this.#memberId = reply.memberId
      this.#join(false)
      return
    }
    if (reply.error !== 'NONE') return this.#refused(reply.error)
    this.#generation = reply.generation
    this.#next = 'sync'
  }

  #sync(loseAnswer: boolean): void {
    const reply = this.bench.run(
      this.bench.commands.sync(this.bench.group()!, {
        memberId: this.#memberId,
        instanceId: null,
        generation: this.#generation,
        protocolType: 'consumer',
        protocol: 'cooperative-sticky',
      }),
    )
    if (loseAnswer || reply === undefined) return
    if (reply.error !== 'NONE') return this.#refused(reply.error)
    const { assignedPartitions } = decodeVersioned(consumerProtocolAssignment, reply.assignment)
    this.told(
      assignedPartitions.flatMap(({ topic, partitions }) =>
        partitions.map(partition => `${topic}/${partition}`),
      ),
    )
    this.#next = 'beat'
  }

  #beat(loseAnswer: boolean): void {
    const error = this.bench.run(
      this.bench.commands.classicHeartbeat(this.bench.group()!, {
        memberId: this.#memberId,
        instanceId: null,
        generation: this.#generation,
      }),
    )
    if (!loseAnswer && error !== 'NONE') this.#refused(error!)
  }

  #refused(error: string): void {
    if (error === 'REBALANCE_IN_PROGRESS' || error === 'ILLEGAL_GENERATION') this.#next = 'join'
    else if (error === 'UNKNOWN_MEMBER_ID') this.#forget()
    else throw new Error(`${this.name} is told ${error}.`)
  }

  #forget(): void {
    this.loseAll()
    this.#memberId = ''
    this.#generation = -1
    this.#next = 'join'
  }
}
