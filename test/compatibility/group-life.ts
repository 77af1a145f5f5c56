/** The life of a group that is watched by a test: who is in it, what is written for it, and what must hold all the time. */
import { Kafka, logLevel, type Admin, type Producer } from 'kafkajs'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { BrokerUnderTest } from '../targets/broker.ts'
import type { JavaTools } from '../targets/java-tools.ts'
import { waitUntil } from '../targets/processes.ts'
import { createTopic } from './fixture.ts'
import { type GroupClient, GroupMember, type Ownership } from './group-member.ts'
import { committedPositions } from './log-files.ts'

export const partitionCount = 12
const patience = { deadlineMs: 90_000 }

/** Settings under which a dead member is missed after six seconds, and one partition tells all commits in their order. */
export const groupTestSettings = {
  'offsets.topic.num.partitions': '1',
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.session.timeout.ms': '6000',
  'group.consumer.heartbeat.interval.ms': '300',
  'group.consumer.min.heartbeat.interval.ms': '300',
}

export class GroupLife {
  readonly topic: string
  readonly group: string
  /** All that ever were in the group. */
  readonly members: GroupMember[] = []
  /** How many numbers were written, from 0 on; number n went to partition n % 12. */
  written = 0
  #broker: BrokerUnderTest
  #kafka: Kafka
  #producer: Producer | null = null

  private constructor(broker: BrokerUnderTest, name: string) {
    this.#broker = broker
    this.topic = `topic-${name}`
    this.group = `group-${name}`
    const retry = { initialRetryTime: 50, maxRetryTime: 300, retries: 100 }
    this.#kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING, retry })
  }

  static async begin(broker: BrokerUnderTest, name: string): Promise<GroupLife> {
    const life = new GroupLife(broker, name.replaceAll(/[^\w]+/g, '-'))
    await createTopic(broker, life.topic, partitionCount)
    return life
  }

  async join(client: GroupClient): Promise<GroupMember> {
    const { topic, group } = this
    const member = await GroupMember.start(client, { servers: this.#broker.bootstrapServers, topic, group })
    this.members.push(member)
    return member
  }

  /** The next numbers, as many to each partition; acknowledged when it resolves. */
  async write(toEachPartition: number): Promise<void> {
    this.#producer ??= await this.#connectedProducer()
    const messages = Array.from({ length: toEachPartition * partitionCount }, (_, index) => {
      const number = this.written + index
      return { partition: number % partitionCount, value: String(number) }
    })
    await this.#producer.send({ topic: this.topic, messages })
    this.written += messages.length
  }

  async withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }

  get #running(): readonly GroupMember[] {
    return this.members.filter(({ process }) => !process.hasEnded)
  }

  /** The members that run own all partitions between them, and each of them some. */
  get isSettled(): boolean {
    const running = this.#running
    const owned = running.flatMap(member => member.owned)
    return (
      running.every(member => member.isReady && member.owned.length > 0) &&
      owned.length === partitionCount &&
      new Set(owned).size === partitionCount
    )
  }

  /** Waits until the members that run share the partitions; `meanwhile` is done between looks. */
  async settled(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const tells = this.members.every(({ client }) => client.tellsOwnership)
    await waitUntil(
      () => `the members of ${this.group} share its partitions; ${this.#story()}`,
      async () => {
        await meanwhile()
        this.#expectAlive()
        return (tells ? this.isSettled : await this.#isStable()) || undefined
      },
      patience,
    )
  }

  /** Waits until every number was processed, and its position committed. */
  async allProcessed(): Promise<void> {
    await waitUntil(
      () => `all of ${this.written} numbers are processed; ${this.#story()}`,
      () => {
        this.#expectAlive()
        return this.#distinct().size === this.written || undefined
      },
      patience,
    )
    await waitUntil(
      () => `all positions of ${this.group} are committed; ${this.#story()}`,
      async () => {
        const [committed, ends] = await this.#positions()
        return isDeepStrictEqual(committed, ends) || undefined
      },
      { ...patience, everyMs: 100 },
    )
  }

  /** So far nothing was processed twice, and nobody was put out. */
  expectCleanSoFar(): void {
    const repeated =
      this.members.reduce((sum, { processed }) => sum + processed.length, 0) - this.#distinct().size
    const lost = this.members.flatMap(({ ownerships }) => ownerships.filter(one => one.lost))
    expect({ repeated, lost }, this.#story()).toEqual({ repeated: 0, lost: [] })
  }

  async end(): Promise<void> {
    await this.#producer?.disconnect()
    await Promise.all(this.#running.map(member => member.stop()))
  }

  /** Never two owners of a partition at a time; each owner goes forward record by record. */
  expectOneOwnerAtATime(): void {
    const telling = this.members.filter(({ client }) => client.tellsOwnership)
    const all = telling.flatMap((member, index) => member.ownerships.map(one => ({ ...one, index })))
    const overlaps = all.flatMap(one =>
      all
        .filter(
          other =>
            other.index > one.index &&
            other.partition === one.partition &&
            !(one.lost || other.lost) &&
            overlap(one, other),
        )
        .map(other => {
          const together = (Math.min(one.untilNs, other.untilNs) - Math.max(one.fromNs, other.fromNs)) / 1e6
          return `members ${one.index} and ${other.index} both owned ${one.partition} for ${together} ms`
        }),
    )
    expect(overlaps, this.#story()).toEqual([])
    for (const { client, processed, ownerships } of telling) {
      if (!client.commitsBeforeRevoke) continue
      const outside = processed.filter(
        ({ partition, atNs }) =>
          !ownerships.some(one => one.partition === partition && one.fromNs <= atNs && atNs <= one.untilNs),
      )
      expect(outside).toEqual([])
    }
  }

  /** What Kafka's own DumpLogSegments reads of the commits, in the order in which they were appended. */
  async expectPositionsNeverWentBack(tools: JavaTools): Promise<void> {
    const committed = await committedPositions(tools, this.#broker.logDirectory, this.group, this.topic)
    const last = new Map<number, number>()
    const backwards: string[] = []
    for (const { partition, offset } of committed) {
      const before = last.get(partition) ?? 0
      if (offset < before) backwards.push(`partition ${partition} went from ${before} to ${offset}`)
      last.set(partition, offset)
    }
    expect(backwards).toEqual([])
    const [, ends] = await this.#positions()
    expect(last).toEqual(ends)
  }

  #distinct(): Set<number> {
    return new Set(this.members.flatMap(({ processed }) => processed.map(({ value }) => value)))
  }

  #expectAlive(): void {
    for (const { process } of this.members) {
      if (process.hasEnded && !this.#mayBeDead.has(process.pid)) {
        throw new Error(`A member ended by itself; it said: ${process.output.slice(-2_000)}`)
      }
    }
  }

  readonly #mayBeDead = new Set<number>()

  /** It goes in peace. */
  async leave(member: GroupMember): Promise<void> {
    this.#mayBeDead.add(member.process.pid)
    await member.stop()
  }

  /** kill -9. */
  async kill(member: GroupMember): Promise<void> {
    this.#mayBeDead.add(member.process.pid)
    await member.kill()
  }

  async #isStable(): Promise<boolean> {
    const { groups } = await this.withAdmin(admin => admin.describeGroups([this.group]))
    return groups[0]?.state === 'Stable' && groups[0].members.length === this.#running.length
  }

  /** What the group has committed, and where the partitions end, by partition. */
  #positions(): Promise<[Map<number, number>, Map<number, number>]> {
    const { group: groupId, topic } = this
    return this.withAdmin(async admin => {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
      const ends = await admin.fetchTopicOffsets(topic)
      const committed = found?.partitions ?? []
      return [
        new Map(committed.map(({ partition, offset }) => [partition, Number(offset)])),
        new Map(ends.map(({ partition, high }) => [partition, Number(high)])),
      ]
    })
  }

  async #connectedProducer(): Promise<Producer> {
    const producer = this.#kafka.producer()
    await producer.connect()
    return producer
  }

  /** What the members said, in order of time, for somebody who wants to know why a test failed. */
  #story(): string {
    const said = this.members
      .flatMap(({ story }, index) => story.map(line => ({ line, index })))
      .map(({ line, index }) => ({
        ns: Number(line.split(' ')[0]),
        words: `${index} ${line.replace(/^\d+ /, '')}`,
      }))
      .toSorted((one, other) => one.ns - other.ns)
    const lines = said.map(({ ns, words }) => `${(ns / 1e9).toFixed(4)} member ${words}`)
    const counts = this.members.map(({ processed }) => processed.length)
    return [`they processed ${counts.join(', ')} and said:`, ...lines.slice(-60)].join('\n')
  }
}

function overlap(one: Ownership, other: Ownership): boolean {
  return one.fromNs < other.untilNs && other.fromNs < one.untilNs
}
