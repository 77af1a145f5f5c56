import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ControllerClient, NewTopic } from '../controller/controller-client.ts'

/**
 * Creates the internal topics that coordinators keep their records in, when somebody first needs one. As in Kafka there
 * is no silent reduction: with fewer live brokers than the replication factor asks for the creation fails, and is tried
 * again when it is asked for again.
 */
export class InternalTopicCreation {
  readonly #controller: ControllerClient
  readonly #topics: ReadonlyMap<string, () => Omit<NewTopic, 'name' | 'assignments'>>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #underWay = new Set<string>()
  readonly #toldAtMs = new Map<string, number>()

  constructor(options: {
    readonly controller: ControllerClient
    /** The internal topics that this broker knows how to use, and how each is to be made. */
    readonly topics: ReadonlyMap<string, () => Omit<NewTopic, 'name' | 'assignments'>>
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#controller = options.controller
    this.#topics = options.topics
    this.#clock = options.clock
    this.#logger = options.logger
  }

  isServed(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Begins to create the topic unless that is under way. Called when the metadata do not have it. */
  ensure(topic: string): void {
    const shape = this.#topics.get(topic)
    if (shape === undefined || this.#underWay.has(topic)) return
    this.#underWay.add(topic)
    this.#controller
      .createTopics({
        topics: [{ name: topic, assignments: [], ...shape() }],
        validateOnly: false,
        timeoutMs: creationTimeoutMs,
      })
      .then(results => {
        for (const { error, message } of results) {
          if (error !== 'NONE' && error !== 'TOPIC_ALREADY_EXISTS') this.#tell(topic, { error, message })
        }
      })
      .catch((err: unknown) => this.#tell(topic, { err }))
      .finally(() => this.#underWay.delete(topic))
  }

  /** Clients ask several times a second: one line a minute is enough. */
  #tell(topic: string, facts: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - (this.#toldAtMs.get(topic) ?? Number.NEGATIVE_INFINITY) < msBetweenLines) return
    this.#toldAtMs.set(topic, nowMs)
    this.#logger.error({ topic, ...facts }, 'An internal topic could not be created.')
  }
}

const creationTimeoutMs = 30_000
const msBetweenLines = 60_000
