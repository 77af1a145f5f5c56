import type { ErrorName } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { configResourceKey, type MetadataImage } from '../metadata/image.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import { allocateProducerIds } from './allocate-producer-ids.ts'
import { changeConfigs, distinctResources, refuseConfigs, replaceConfigs } from './alter-configs.ts'
import { assignDirectory } from './assign-directories.ts'
import { type Batch, BatchRunner, type Pace } from './batch.ts'
import { changeInSyncSet, checkSender, describe } from './change-in-sync-set.ts'
import type {
  AllocateProducerIds,
  AllocateProducerIdsResult,
  AlterConfigs,
  AlterConfigsResult,
  AlterPartition,
  AlterPartitionResult,
  AssignDirectories,
  AssignDirectoriesResult,
  CanRestart,
  ControllerClient,
  CreatePartitions,
  CreatePartitionsResult,
  CreateTopicResult,
  CreateTopics,
  DeleteTopicResult,
  DeleteTopics,
  PartitionResult,
  DirectoryAssignment,
  ElectLeaders,
  PartitionResults,
  IncrementalAlterConfigs,
  MorePartitions,
  Outcome,
  PartitionName,
  PrepareToStop,
  PrepareToStopResult,
  ReleaseRestart,
  RequestRestart,
  RestartResult,
  Reassignment,
  ReassignPartitions,
  UnregisterBroker,
  UpdateFeatures,
} from './controller-client.ts'
import { CommandQueue } from './command-queue.ts'
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
import { type ControllerRules, type Decision, type DecisionContext } from './decision.ts'
import {
  deleteTopic,
  findMistakesInDeletion,
  refuse as refuseDeletion,
  type TopicToDelete,
} from './delete-topics.ts'
import { electLeader, partitionsToElect, refuseElection } from './elect-leaders.ts'
import type { Elections } from './elections.ts'
import { eligibleBeforeConfigs } from './min-insync-change.ts'
import { countLed, markStopping, moveOff } from './prepare-to-stop.ts'
import {
  canRestart,
  type GrantContext,
  refuseRestart,
  releaseRestart,
  requestRestart,
} from './restart-grants.ts'
import { reassignPartition, refuseReassignment } from './reassign-partitions.ts'
import { unregisterBroker } from './unregister-broker.ts'
import { updateFeatures } from './update-features.ts'
import { Upkeep } from './upkeep.ts'

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
  readonly #batches: BatchRunner
  readonly #queue: CommandQueue
  readonly #upkeep: Upkeep
  #stopped = false

  constructor(options: ControllerOptions) {
    const { images, clock, random, logger, epoch, rules, store, elections } = options
    this.epoch = epoch
    this.#images = images
    this.#clock = clock
    this.#logger = logger
    this.#context = { random, rules }
    const isActive = (): boolean => !this.#stopped && options.isActive()
    const commits = new ControllerCommits({
      store,
      images,
      clock,
      random,
      epoch,
      isActive,
      onCommitted: (image, changes) => elections.committed(image, changes),
    })
    const batches = new BatchRunner({ images, commits, random, newPace: options.newPace })
    this.#batches = batches
    this.#queue = new CommandQueue({ images, clock, batches, isActive, prepare: () => this.#upkeep.settle() })
    this.#upkeep = new Upkeep({
      images,
      clock,
      logger,
      batches,
      context: this.#context,
      enqueue: job => this.#queue.enqueue(job),
    })
  }

  /** Writes nothing from now on; resolves when the command at work has noticed. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#upkeep.stop()
    await this.#queue.close()
  }

  createTopics(command: CreateTopics): Promise<readonly CreateTopicResult[]> {
    const { topics, repeated } = newTopicsByName(command.topics)
    const isTooMuch = countNewPartitions(topics, this.#context) > mostPartitionsPerRequest
    return this.#queue.runBatch(command, () => ({
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
    return this.#queue.runBatch<PlacedTopic, DeleteTopicResult>(command, image => {
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
    return this.#queue.runBatch<MorePartitions, CreatePartitionsResult>(command, image => {
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

  allocateProducerIds(command: AllocateProducerIds): Promise<AllocateProducerIdsResult> {
    const refuse = (error: ErrorName, message: string): AllocateProducerIdsResult => {
      return { error, message, firstProducerId: -1, count: 0 }
    }
    return this.#one('allocateProducerIds', command, image => allocateProducerIds(image, command), refuse)
  }

  alterPartition(command: AlterPartition): Promise<AlterPartitionResult> {
    const run = async (): Promise<AlterPartitionResult> => {
      const sender = checkSender(this.#images.image, command)
      if (sender.error !== 'NONE') return { ...sender, partitions: [] }
      const partitions = await this.#batches.run({
        name: 'alterPartition',
        items: command.partitions,
        decide: (image, item) => changeInSyncSet(image, command.brokerId, item, this.#context),
        refuse: (item, error, message) => describe(item, undefined, { error, message }),
      })
      return { ...sender, partitions }
    }
    return this.#queue.submit(command.timeoutMs, run, (error, message) => ({
      error,
      message,
      partitions: [],
    }))
  }

  electLeaders(command: ElectLeaders): Promise<PartitionResults> {
    return this.#eachPartition<PartitionName>(command.timeoutMs, image => ({
      name: 'electLeaders',
      inWaves: true,
      items: partitionsToElect(image, command),
      decide: (draft, item) => electLeader(draft, item, command.election, this.#context),
      refuse: (item, error, message) => refuseElection(item, error, message).result,
    }))
  }

  async reassignPartitions(command: ReassignPartitions): Promise<PartitionResults> {
    if (command.partitions.length > mostPartitionsPerRequest)
      return { error: 'POLICY_VIOLATION', message: tooManyPartitions, partitions: [] }
    return this.#eachPartition<Reassignment>(command.timeoutMs, () => ({
      name: 'reassignPartitions',
      items: command.partitions,
      decide: (draft, item) => reassignPartition(draft, item, command, this.#context),
      refuse: (item, error, message) => refuseReassignment(item, error, message).result,
    }))
  }

  updateFeatures(command: UpdateFeatures): Promise<Outcome> {
    return this.#one('updateFeatures', command, image => updateFeatures(image, command.updates), plainRefusal)
  }

  unregisterBroker(command: UnregisterBroker): Promise<Outcome> {
    return this.#one('unregisterBroker', command, image => unregisterBroker(image, command), plainRefusal)
  }

  assignDirectories(command: AssignDirectories): Promise<AssignDirectoriesResult> {
    const run = async (): Promise<AssignDirectoriesResult> => {
      const sender = checkSender(this.#images.image, command)
      if (sender.error !== 'NONE') return { ...sender, results: [] }
      const results = await this.#batches.run<DirectoryAssignment, Outcome>({
        name: 'assignDirectories',
        items: command.assignments,
        decide: (draft, item) => assignDirectory(draft, command, item, this.#context),
        refuse: (_, error, message) => ({ error, message }),
      })
      return { ...sender, results }
    }
    return this.#queue.submit(command.timeoutMs, run, (error, message) => ({ error, message, results: [] }))
  }

  prepareToStop(command: PrepareToStop): Promise<PrepareToStopResult> {
    const { brokerId, timeoutMs } = command
    const refuse = (error: ErrorName, message: string | null): PrepareToStopResult => {
      return { error, message, revision: 0, remaining: countLed(this.#images.image, brokerId) }
    }
    const run = async (): Promise<PrepareToStopResult> => {
      const { image } = this.#images
      const sender = checkSender(image, command)
      if (sender.error !== 'NONE') return refuse(sender.error, sender.message)
      const isMarked = await this.#batches.commitEach(image, markStopping(image, brokerId), 'stopping')
      const marked = this.#images.image
      const moves = isMarked ? moveOff(marked, brokerId, this.#context) : []
      if (!isMarked || !(await this.#batches.commitInWaves(marked, moves, 'moves off a stopping broker')))
        return refuse('REQUEST_TIMED_OUT', 'Not all leaders could be moved now.')
      return { ...refuse('NONE', null), revision: this.#images.image.revision }
    }
    return this.#queue.submit(timeoutMs, run, refuse)
  }

  canRestart(command: CanRestart): Promise<RestartResult> {
    const run = async (): Promise<RestartResult> =>
      canRestart(this.#images.image, command, this.#grantContext())
    return this.#queue.submit(command.timeoutMs, run, refuseRestart)
  }

  async requestRestart(command: RequestRestart): Promise<RestartResult> {
    const result = await this.#one(
      'requestRestart',
      command,
      image => requestRestart(image, command, { ...this.#grantContext(), nowMs: this.#clock.nowMs() }),
      refuseRestart,
    )
    const { safe, reasons, grant } = result
    const { brokerId, holder, reason } = command
    const refusals = reasons.map(({ message }) => message)
    this.#logger.info({ brokerId, holder, reason, safe, refusals, grant }, 'A broker asks to be restarted.')
    return result
  }

  releaseRestart(command: ReleaseRestart): Promise<Outcome> {
    return this.#one(
      'releaseRestart',
      command,
      image => releaseRestart(image, command, this.#context),
      plainRefusal,
    )
  }

  #grantContext(): GrantContext {
    return { ...this.#context, heldMs: this.#upkeep.grantHeldMs }
  }

  #eachPartition<Item>(
    timeoutMs: number,
    makeBatch: (image: MetadataImage) => Batch<Item, PartitionResult>,
  ): Promise<PartitionResults> {
    const run = async (): Promise<PartitionResults> => {
      const partitions = await this.#batches.run(makeBatch(this.#images.image))
      return { error: 'NONE', message: null, partitions }
    }
    return this.#queue.submit(timeoutMs, run, (error, message) => ({ error, message, partitions: [] }))
  }

  async #one<Result>(
    name: string,
    command: { readonly timeoutMs: number; readonly validateOnly?: boolean },
    decide: (image: MetadataImage) => Decision<Result>,
    refuse: (error: ErrorName, message: string) => Result,
  ): Promise<Result> {
    const [result] = await this.#queue.runBatch(command, () => ({
      name,
      items: [command],
      decide,
      refuse: (_, error, message) => refuse(error, message),
    }))
    return result ?? refuse('UNKNOWN_SERVER_ERROR', 'The controller gave no answer.')
  }

  #alter<R extends AlterConfigs['resources'][number] | IncrementalAlterConfigs['resources'][number]>(
    command: { readonly timeoutMs: number; readonly validateOnly: boolean },
    given: readonly R[],
    decide: (image: MetadataImage, resource: R) => Decision<AlterConfigsResult>,
  ): Promise<AlterConfigsResult[]> {
    const { resources, repeated } = distinctResources(given)
    const batch: Batch<R, AlterConfigsResult> = {
      name: 'alterConfigs',
      items: resources,
      decide: (image, resource) => {
        if (!repeated.has(configResourceKey(resource.type, resource.name))) return decide(image, resource)
        return refuseConfigs(resource, 'INVALID_REQUEST', 'Each resource must appear at most once.')
      },
      refuse: (resource, error, message) => refuseConfigs(resource, error, message).result,
      before: (image, changes) => eligibleBeforeConfigs(image, changes, this.#context),
    }
    return this.#queue.runBatch(command, () => batch)
  }
}

export interface ControllerOptions {
  readonly store: MetadataStore
  readonly images: ImageFollower
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly rules: ControllerRules
  /** Told of every election. */
  readonly elections: Elections
  /** Create revision of the controller's key. */
  readonly epoch: number
  /** Whether this broker's lease is known to be valid. */
  readonly isActive: () => boolean
  /** How fast changes go of which each costs clients a moment. */
  readonly newPace: () => Pace
}

type PlacedTopic = TopicToDelete & { readonly at: number }

const tooManyPartitions = `One request may not ask for more than ${mostPartitionsPerRequest} partitions.`

function plainRefusal(error: ErrorName, message: string): Outcome {
  return { error, message }
}

function refused<Result>(result: Result): Decision<Result> {
  return { changes: [], result }
}
