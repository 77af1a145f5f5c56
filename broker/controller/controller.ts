import type { ErrorName } from '../../protocol/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { QueueRefused, SerialQueue } from '../../runtime/serial-queue.ts'
import { type ConfigResourceKey, configResourceKey, type MetadataImage } from '../metadata/image.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import { allocateProducerIds } from './allocate-producer-ids.ts'
import { changeConfigs, distinctResources, refuseConfigs, replaceConfigs } from './alter-configs.ts'
import { type Batch, BatchRunner } from './batch.ts'
import { decideLiveness } from './broker-liveness.ts'
import { changeInSyncSet, checkSender, describe } from './change-in-sync-set.ts'
import type {
  AllocateProducerIds,
  AllocateProducerIdsResult,
  AlterConfigs,
  AlterConfigsResult,
  AlterPartition,
  AlterPartitionResult,
  ControllerClient,
  CreatePartitions,
  CreatePartitionsResult,
  CreateTopicResult,
  CreateTopics,
  DeleteTopicResult,
  DeleteTopics,
  IncrementalAlterConfigs,
  MorePartitions,
} from './controller-client.ts'
import { ControllerCommits } from './controller-commits.ts'
import {
  countAddedPartitions,
  createPartitions,
  refusePartitions,
  topicsByName,
} from './create-partitions.ts'
import {
  countNewPartitions,
  createTopic,
  mostPartitionsPerRequest,
  newTopicsByName,
  refusedTopic,
} from './create-topics.ts'
import { type ControllerRules, type Decision, type DecisionContext, decideInTurn } from './decision.ts'
import {
  deleteTopic,
  findMistakesInDeletion,
  refuse as refuseDeletion,
  type TopicToDelete,
} from './delete-topics.ts'

/**
 * The active controller in one epoch: a queue of commands, one at a time. Each is decided by a pure function on the
 * newest image, committed if nothing moved meanwhile, and answered when the own image shows it. Between commands it
 * does what follows from brokers coming and going, and finishes what an earlier controller began.
 *
 * When its epoch ends it stops at once: whatever is still queued answers NOT_CONTROLLER.
 */
export class Controller implements ControllerClient {
  readonly epoch: number
  readonly #images: ImageFollower
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #context: DecisionContext
  /** Not stopped, and its lease is known to be valid. */
  readonly #isActive: () => boolean
  readonly #commits: ControllerCommits
  readonly #batches: BatchRunner
  readonly #queue = new SerialQueue(mostQueued)
  readonly #unsubscribe: () => void
  #unsettled = false
  #settleQueued = false
  #retry: Timer | undefined
  #stopped = false

  constructor(options: ControllerOptions) {
    const { images, clock, random, logger, epoch, rules, store } = options
    this.epoch = epoch
    this.#images = images
    this.#clock = clock
    this.#logger = logger
    this.#context = { random, rules }
    this.#isActive = () => !this.#stopped && options.isActive()
    const commits = { store, images, clock, random, epoch, isActive: this.#isActive }
    this.#commits = new ControllerCommits(commits)
    this.#batches = new BatchRunner({ images, commits: this.#commits, random })
    this.#unsubscribe = images.onChange((next, previous, changed) => {
      const allowsElection = [...changed.configs].some(key => changesElection(next, previous, key))
      if (changed.brokers.size + changed.operations.size > 0 || allowsElection) this.#settleSoon()
    })
    this.#settleSoon()
  }

  /** Writes nothing from now on; resolves when the command at work has noticed. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    this.#retry?.cancel()
    await this.#queue.close()
  }

  createTopics(command: CreateTopics): Promise<readonly CreateTopicResult[]> {
    const { topics, repeated } = newTopicsByName(command.topics)
    const isTooMuch = countNewPartitions(topics, this.#context) > mostPartitionsPerRequest
    return this.#runBatch(command, () => ({
      name: 'createTopics',
      items: topics,
      decide: (image, topic) => {
        if (repeated.has(topic.name))
          return refused(refusedTopic(topic.name, 'INVALID_REQUEST', 'Duplicate topic name.'))
        if (isTooMuch) return refused(refusedTopic(topic.name, 'POLICY_VIOLATION', tooManyPartitions))
        return createTopic(image, topic, this.#context)
      },
      refuse: (topic, error, message) => refusedTopic(topic.name, error, message),
    }))
  }

  deleteTopics(command: DeleteTopics): Promise<readonly DeleteTopicResult[]> {
    const topics = command.topics.map((topic, at) => ({ ...topic, at }))
    return this.#runBatch<PlacedTopic, DeleteTopicResult>({ ...command, validateOnly: false }, image => {
      const mistakes = findMistakesInDeletion(image, topics)
      return {
        name: 'deleteTopics',
        items: topics,
        decide: (draft, topic) => {
          const mistake = mistakes.get(topic.at)
          return mistake === undefined ? deleteTopic(draft, topic, this.#context) : refused(mistake)
        },
        refuse: refuseDeletion,
      }
    })
  }

  createPartitions(command: CreatePartitions): Promise<readonly CreatePartitionsResult[]> {
    const { topics, repeated } = topicsByName(command.topics)
    return this.#runBatch<MorePartitions, CreatePartitionsResult>(command, image => {
      const isTooMuch = countAddedPartitions(image, topics) > mostPartitionsPerRequest
      return {
        name: 'createPartitions',
        items: topics,
        decide: (draft, topic) => {
          if (repeated.has(topic.name))
            return refusePartitions(topic.name, 'INVALID_REQUEST', 'Duplicate topic name.')
          if (isTooMuch) return refusePartitions(topic.name, 'POLICY_VIOLATION', tooManyPartitions)
          return createPartitions(draft, topic, this.#context)
        },
        refuse: (topic, error, message) => refusePartitions(topic.name, error, message).result,
      }
    })
  }

  alterConfigs(command: AlterConfigs): Promise<readonly AlterConfigsResult[]> {
    return this.#alter(command, command.resources, (image, resource) =>
      replaceConfigs(image, resource, this.#context),
    )
  }

  incrementalAlterConfigs(command: IncrementalAlterConfigs): Promise<readonly AlterConfigsResult[]> {
    return this.#alter(command, command.resources, (image, resource) =>
      changeConfigs(image, resource, this.#context),
    )
  }

  async allocateProducerIds(command: AllocateProducerIds): Promise<AllocateProducerIdsResult> {
    const refuse = (error: ErrorName, message: string): AllocateProducerIdsResult => {
      return { error, message, firstProducerId: -1, count: 0 }
    }
    const [result] = await this.#runBatch({ ...command, validateOnly: false }, () => ({
      name: 'allocateProducerIds',
      items: [command],
      decide: allocateProducerIds,
      refuse: (_, error, message) => refuse(error, message),
    }))
    return result ?? refuse('UNKNOWN_SERVER_ERROR', 'The controller gave no answer.')
  }

  alterPartition(command: AlterPartition): Promise<AlterPartitionResult> {
    const run = async (): Promise<AlterPartitionResult> => {
      const sender = checkSender(this.#images.image, command)
      if (sender.error !== 'NONE') return { ...sender, partitions: [] }
      const partitions = await this.#batches.run({
        name: 'alterPartition',
        items: command.partitions,
        decide: (image, item) => changeInSyncSet(image, command.brokerId, item),
        refuse: (item, error, message) => describe(item, undefined, { error, message }),
      })
      return { ...sender, partitions }
    }
    return this.#submit(command.timeoutMs, run, (error, message) => ({ error, message, partitions: [] }))
  }

  #alter<R extends AlterConfigs['resources'][number] | IncrementalAlterConfigs['resources'][number]>(
    command: { readonly timeoutMs: number; readonly validateOnly: boolean },
    given: readonly R[],
    decide: (image: MetadataImage, resource: R) => Decision<AlterConfigsResult>,
  ): Promise<AlterConfigsResult[]> {
    const { resources, repeated } = distinctResources(given)
    return this.#runBatch(command, () => ({
      name: 'alterConfigs',
      items: resources,
      decide: (image, resource) => {
        if (!repeated.has(configResourceKey(resource.type, resource.name))) return decide(image, resource)
        return refuseConfigs(resource, 'INVALID_REQUEST', 'Each resource must appear at most once.')
      },
      refuse: (resource, error, message) => refuseConfigs(resource, error, message).result,
    }))
  }

  #runBatch<Item, Result>(
    { timeoutMs, validateOnly }: { readonly timeoutMs: number; readonly validateOnly: boolean },
    makeBatch: (image: MetadataImage) => Batch<Item, Result>,
  ): Promise<Result[]> {
    const run = async (): Promise<Result[]> => {
      const { image } = this.#images
      const batch = makeBatch(image)
      if (!validateOnly) return this.#batches.run(batch)
      return decideInTurn(image, batch.items, (draft, item) => batch.decide(draft, item)).map(
        decision => decision.result,
      )
    }
    const refuseAll = (error: ErrorName, message: string): Result[] => {
      const batch = makeBatch(this.#images.image)
      return batch.items.map(item => batch.refuse(item, error, message))
    }
    return this.#submit(timeoutMs, run, refuseAll)
  }

  /** Queues a command. Past its deadline the caller is answered and, if the command has not begun, nothing is done. */
  #submit<R>(
    timeoutMs: number,
    run: () => Promise<R>,
    refuse: (error: ErrorName, message: string) => R,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = this.#clock.after(Math.max(0, timeoutMs), () => {
        isLate = true
        resolve(refuse('REQUEST_TIMED_OUT', `The controller did not finish within ${timeoutMs} ms.`))
      })
      const job = async (): Promise<void> => {
        if (isLate) return
        await this.#settle()
        // What it would say to a question it cannot commit to might be long out of date.
        if (!this.#isActive())
          resolve(refuse('NOT_CONTROLLER', 'This broker is no longer the active controller.'))
        else resolve(await run())
      }
      this.#queue
        .run(job)
        .catch((error: unknown) => {
          if (!(error instanceof QueueRefused)) reject(error)
          else if (this.#stopped)
            resolve(refuse('NOT_CONTROLLER', 'This broker is no longer the active controller.'))
          else resolve(refuse('REQUEST_TIMED_OUT', `The controller is busy: ${error.message}`))
        })
        .finally(() => timer.cancel())
    })
  }

  #settleSoon(): void {
    this.#unsettled = true
    if (this.#stopped || this.#settleQueued) return
    this.#settleQueued = true
    const job = (): Promise<void> => {
      this.#settleQueued = false
      return this.#settle()
    }
    this.#queue.run(job).catch((error: unknown) => {
      this.#settleQueued = false
      // A full queue is no harm: every command settles first.
      if (!(error instanceof QueueRefused)) throw error
    })
  }

  /** Does what follows from registrations and open operations, until nothing more does. */
  async #settle(): Promise<void> {
    while (this.#unsettled && !this.#stopped) {
      this.#unsettled = false
      if ((await this.#batches.finishOperations()) && (await this.#admitBrokers())) continue
      this.#unsettled = true
      this.#retry?.cancel()
      if (!this.#stopped) this.#retry = this.#clock.after(settleRetryMs, () => this.#settleSoon())
      return
    }
  }

  /** False when not all of it could be committed now. */
  async #admitBrokers(): Promise<boolean> {
    const { image } = this.#images
    const { partitions, admissions } = decideLiveness(image, this.#context)
    if (partitions.length + admissions.length === 0) return true
    const startedAtMs = this.#clock.monotonicMs()
    const elections = await this.#commitEach(image, partitions, 'elections')
    if (!elections || !(await this.#commitEach(image, admissions, 'admissions'))) return false
    const fields = {
      partitions: partitions.length,
      brokers: admissions.length,
      tookMs: Math.round(this.#clock.monotonicMs() - startedAtMs),
    }
    this.#logger.info(fields, 'The controller followed a change of the registered brokers.')
    return true
  }

  async #commitEach(
    image: MetadataImage,
    changes: readonly MetadataChange[],
    name: string,
  ): Promise<boolean> {
    const outcomes = await this.#batches.commitAll(
      image,
      changes.map(change => [change]),
      name,
    )
    const latest = outcomes.reduce(
      (most, outcome) => ('revision' in outcome ? Math.max(most, outcome.revision) : most),
      0,
    )
    const seen = await this.#commits.imageAt(latest)
    return seen !== undefined && outcomes.every(outcome => outcome.kind === 'done')
  }
}

export interface ControllerOptions {
  readonly store: MetadataStore
  readonly images: ImageFollower
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly rules: ControllerRules
  /** Create revision of the controller's key. */
  readonly epoch: number
  /** Whether this broker's lease is known to be valid. */
  readonly isActive: () => boolean
}

type PlacedTopic = TopicToDelete & { readonly at: number }

function changesElection(next: MetadataImage, previous: MetadataImage, key: ConfigResourceKey): boolean {
  const setting = 'unclean.leader.election.enable'
  return next.configs.get(key)?.get(setting) !== previous.configs.get(key)?.get(setting)
}

const mostQueued = 1000
const settleRetryMs = 1000
const tooManyPartitions = `One request may not ask for more than ${mostPartitionsPerRequest} partitions.`

function refused<Result>(result: Result): Decision<Result> {
  return { changes: [], result }
}
