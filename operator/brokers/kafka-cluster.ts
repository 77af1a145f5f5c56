/** What is seen of, and done to, the brokers of one Cluster, through our own client. */
import {
  addPartitions,
  type AdminResult,
  alterBrokerConfigs,
  alterTopicConfigs,
  AnyBroker,
  ConnectionError,
  type ConfigChange,
  createNewTopics,
  describeBrokerConfigs,
  type DescribedBroker,
  describeBrokers,
  describePartitions,
  describeTopicOverrides,
  listReassignments,
  type NewTopic,
  type Reassignment,
  removeTopics,
  startReassignments,
  type TopicPartitions,
} from '../../client/index.ts'
import { Batch } from './batch.ts'
import type { ObservedKafka, ReachedKafka } from '../reconcile/observed-cluster.ts'

/** host:port of a broker's listener among brokers. */
export type AddressOf = (broker: number) => { readonly host: string; readonly port: number }

const clientId = 'barnabas-operator'
const connectTimeoutMs = 5000
/** Topics that are asked for, or made, in one request. */
const mostAtOnce = 50

/** Settings of a topic that name the replicas which rates of brokers hold back. */
const throttledSettings = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas']

interface DescribedTopic extends TopicPartitions {
  readonly settings: ReadonlyMap<string, string>
}

export class KafkaCluster {
  readonly #addressOf: AddressOf
  readonly #any: AnyBroker
  readonly #one = new Map<number, AnyBroker>()
  readonly #described = new Batch((names: readonly string[]) => this.#describeTopics(names), {
    keyOf: name => name,
    most: mostAtOnce,
  })
  readonly #created = new Batch((topics: readonly NewTopic[]) => this.#createTopics(topics), {
    keyOf: ({ name }) => name,
    most: mostAtOnce,
  })
  #brokers: readonly number[] = []

  constructor(addressOf: AddressOf) {
    this.#addressOf = addressOf
    this.#any = new AnyBroker(() => this.#brokers.map(addressOf), { clientId, timeoutMs: connectTimeoutMs })
  }

  /** Which brokers there may be; asked one after the other. */
  expect(brokers: readonly number[]): void {
    this.#brokers = brokers
  }

  /**
   * `mayBeThrottled`: topics whose moves were held to a speed and may be still. Never rejects: brokers that cannot be asked
   * are an observation.
   */
  async observe(mayBeThrottled: readonly string[] = []): Promise<ObservedKafka> {
    try {
      const [cluster, topics, moves, all, overrides] = await Promise.all([
        this.#any.open().then(describeBrokers),
        describePartitions(this.#any),
        this.#moves(),
        describeBrokerConfigs(this.#any, null),
        describeTopicOverrides(this.#any, mayBeThrottled),
      ])
      const single = await this.#describeEach(cluster.brokers)
      const throttled = new Set(
        [...overrides]
          .filter(([, set]) => throttledSettings.some(name => set.has(name)))
          .map(([name]) => name),
      )
      return {
        kind: 'reached',
        ...cluster,
        topics,
        moves,
        dynamicSettings: valuesOf(all),
        throttled,
        ...single,
      }
    } catch (error) {
      return { kind: 'unreachable', reason: reasonOf(error) }
    }
  }

  /** Undefined: there is no such topic. */
  describeTopic(name: string): Promise<DescribedTopic | undefined> {
    return this.#described.ask(name)
  }

  async isMoving(name: string): Promise<boolean> {
    return (await this.#moves()).some(({ topic }) => topic === name)
  }

  createTopic(topic: NewTopic): Promise<AdminResult> {
    return this.#created.ask(topic)
  }

  async addPartitions(name: string, partitions: number): Promise<AdminResult> {
    const tried = await addPartitions(this.#any, [{ name, partitions }], { validateOnly: true })
    if (tried[0]?.error !== 'NONE') return only(tried)
    return only(await addPartitions(this.#any, [{ name, partitions }]))
  }

  async alterTopic(name: string, changes: readonly ConfigChange[]): Promise<AdminResult> {
    const tried = await alterTopicConfigs(this.#any, [{ name, changes }], { validateOnly: true })
    if (tried[0]?.error !== 'NONE') return only(tried)
    return only(await alterTopicConfigs(this.#any, [{ name, changes }]))
  }

  async deleteTopic(name: string): Promise<AdminResult> {
    return only(await removeTopics(this.#any, [name]))
  }

  /** The first that was refused; else that all was well. */
  async move(moves: readonly Reassignment[]): Promise<AdminResult> {
    return firstRefused(await startReassignments(this.#any, moves))
  }

  /** The first that was refused; else that all was well. */
  async throttle(topics: readonly string[], isThrottled: boolean): Promise<AdminResult> {
    const changes = throttledSettings.map(name => ({ name, value: isThrottled ? '*' : null }))
    return firstRefused(
      await alterTopicConfigs(
        this.#any,
        topics.map(name => ({ name, changes })),
      ),
    )
  }

  alterBroker(broker: number | null, changes: readonly ConfigChange[]): Promise<AdminResult> {
    return alterBrokerConfigs(this.#any, broker, changes)
  }

  async close(): Promise<void> {
    await Promise.all([this.#any, ...this.#one.values()].map(connection => connection.close()))
  }

  async #describeTopics(names: readonly string[]): Promise<readonly (DescribedTopic | undefined)[]> {
    const described = await describePartitions(this.#any, names)
    const found = new Map(described.map(topic => [topic.name, topic]))
    const overrides = await describeTopicOverrides(this.#any, [...found.keys()])
    return names.map(name => {
      const topic = found.get(name)
      return topic === undefined ? undefined : { ...topic, settings: overrides.get(name) ?? new Map() }
    })
  }

  /** First asked whether it could be done, so that nothing is half done. */
  async #createTopics(topics: readonly NewTopic[]): Promise<readonly AdminResult[]> {
    const results = new Map<string, AdminResult>()
    for (const tried of await createNewTopics(this.#any, topics, { validateOnly: true }))
      results.set(tried.name, tried)
    const possible = topics.filter(({ name }) => results.get(name)?.error === 'NONE')
    if (possible.length > 0) {
      for (const made of await createNewTopics(this.#any, possible)) results.set(made.name, made)
    }
    return topics.map(({ name }) => results.get(name) ?? only([]))
  }

  #moves(): ReturnType<typeof listReassignments> {
    return listReassignments(this.#any)
  }

  /** What only a broker itself tells; one that does not answer is left out. */
  async #describeEach(
    brokers: readonly DescribedBroker[],
  ): Promise<Pick<ReachedKafka, 'cordoned' | 'advertised'>> {
    const cordoned = new Set<number>()
    const advertised = new Map<number, string>()
    const asked = brokers.filter(({ isFenced }) => !isFenced)
    await Promise.all(
      asked.map(async ({ id }) => {
        try {
          const configs = await describeBrokerConfigs(this.#to(id), id, [
            'advertised.listeners',
            'cordoned.log.dirs',
          ])
          const cordon = configs.get('cordoned.log.dirs')
          if (cordon?.source === 'thisBroker' && cordon.value !== '') cordoned.add(id)
          const listeners = configs.get('advertised.listeners')
          if (listeners?.source === 'start') advertised.set(id, listeners.value)
        } catch {
          // It stops or starts; the pods say so.
        }
      }),
    )
    return { cordoned, advertised }
  }

  #to(broker: number): AnyBroker {
    let connection = this.#one.get(broker)
    if (connection === undefined) {
      connection = new AnyBroker(() => [this.#addressOf(broker)], { clientId, timeoutMs: connectTimeoutMs })
      this.#one.set(broker, connection)
    }
    return connection
  }
}

function valuesOf(configs: Awaited<ReturnType<typeof describeBrokerConfigs>>): ReadonlyMap<string, string> {
  return new Map(
    [...configs]
      .filter(([, { source }]) => source === 'allBrokers')
      .map(([name, { value }]) => [name, value]),
  )
}

function firstRefused(results: readonly AdminResult[]): AdminResult {
  return results.find(({ error }) => error !== 'NONE') ?? { name: '', error: 'NONE', message: '' }
}

function only(results: readonly AdminResult[]): AdminResult {
  return (
    results[0] ?? { name: '', error: 'UNKNOWN_SERVER_ERROR', message: 'The brokers did not answer for it.' }
  )
}

/** The same for every way in which brokers do not answer: it stands in a status, which must not move with each attempt. */
export function reasonOf(error: unknown): string {
  if (error instanceof ConnectionError) return 'none of them answers.'
  return error instanceof Error ? error.message : String(error)
}
