import type { ErrorName } from '../../protocol/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import { findMistakeInTopicName } from '../controller/topic-names.ts'
import type { InternalTopicCreation } from './internal-topic-creation.ts'

/**
 * Creates topics that clients ask for by name, when auto.create.topics.enable is on. The asking client is told at
 * once that the topic is not there (yet) and asks again, as with Kafka; creation runs meanwhile.
 */
export class AutoTopicCreation {
  readonly #enabled: boolean
  readonly #controller: ControllerClient
  readonly #internalTopics: InternalTopicCreation
  readonly #logger: Logger
  readonly #underWay = new Set<string>()

  constructor(options: {
    readonly enabled: boolean
    readonly controller: ControllerClient
    readonly internalTopics: InternalTopicCreation
    readonly logger: Logger
  }) {
    this.#enabled = options.enabled
    this.#controller = options.controller
    this.#internalTopics = options.internalTopics
    this.#logger = options.logger
  }

  /** What to say of the missing topic `name`; starts to create it where that is allowed. */
  errorFor(name: string, requestAllowsCreation: boolean): ErrorName {
    if (findMistakeInTopicName(name) !== null) return 'INVALID_TOPIC_EXCEPTION'
    if (this.#enabled && requestAllowsCreation) {
      // Those have a form of their own.
      if (this.#internalTopics.isServed(name)) this.#internalTopics.ensure(name)
      else this.#create(name)
    }
    return 'UNKNOWN_TOPIC_OR_PARTITION'
  }

  #create(name: string): void {
    if (this.#underWay.has(name) || this.#underWay.size >= mostUnderWay) return
    this.#underWay.add(name)
    this.#controller
      .createTopics({
        topics: [{ name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }],
        validateOnly: false,
        timeoutMs: creationTimeoutMs,
      })
      .then(results => {
        for (const { error, message } of results) {
          if (error !== 'NONE' && error !== 'TOPIC_ALREADY_EXISTS') {
            this.#logger.warn({ topic: name, error, message }, 'A topic could not be created automatically.')
          }
        }
      })
      .catch((error: unknown) =>
        this.#logger.error({ topic: name, error }, 'Automatic topic creation failed.'),
      )
      .finally(() => this.#underWay.delete(name))
  }
}

const creationTimeoutMs = 30_000
/** Past that, further names wait for the client's next request: a bound on what a flood of names can cost. */
const mostUnderWay = 100
