import type { Uuid } from '../../protocol/index.ts'
import { unreachable } from '../../runtime/assert.ts'
import {
  type BrokerImage,
  type BrokerStateImage,
  type ConfigResourceKey,
  configResourceKey,
  type FeaturesImage,
  type MetadataImage,
  type OperationImage,
  type PartitionImage,
  type ProducerIdsImage,
  type RestartGrantImage,
} from './image.ts'
import type { BrokerRegistration, MetadataChange } from './keys.ts'
import { LayeredMap } from './layered-map.ts'
import { applyTopicChanges, type TopicEdits } from './topic-changes.ts'

/** A change together with the revisions of the key it made (both 0 where it deleted the key). */
export interface RevisedChange {
  readonly change: MetadataChange
  readonly createRevision: number
  readonly modRevision: number
}

/** What differs between an image and the one before: created, changed and deleted alike. */
export interface ImageChanges {
  readonly topics: ReadonlySet<Uuid>
  readonly brokers: ReadonlySet<number>
  readonly configs: ReadonlySet<ConfigResourceKey>
  readonly operations: ReadonlySet<Uuid>
  readonly controller: boolean
  readonly features: boolean
}

export const emptyImage: MetadataImage = {
  revision: 0,
  clusterId: '',
  controller: null,
  brokers: LayeredMap.empty(),
  brokerStates: LayeredMap.empty(),
  topicsByName: LayeredMap.empty(),
  topicsById: LayeredMap.empty(),
  configs: LayeredMap.empty(),
  configRevisions: LayeredMap.empty(),
  features: { epoch: 0, finalized: new Map() },
  producerIds: { next: 0, modRevision: 0 },
  restartGrant: null,
  operations: LayeredMap.empty(),
  detachedPartitions: LayeredMap.empty(),
}

/**
 * The image after all changes of one revision, and what differs. Their order does not matter: a key changes at most
 * once in a revision.
 */
export function applyChanges(
  image: MetadataImage,
  revision: number,
  changes: readonly RevisedChange[],
): { image: MetadataImage; changed: ImageChanges } {
  const draft = new Draft(image)
  for (const change of changes) draft.apply(change)
  return draft.finish(revision)
}

/** Gathers what changes per table, then makes each changed table once. */
class Draft {
  readonly #image: MetadataImage
  readonly #registrations = new Map<number, RevisedRegistration | undefined>()
  readonly #brokerStates = new Map<number, BrokerStateImage | undefined>()
  readonly #topics: TopicEdits = { headers: new Map(), partitions: new Map() }
  readonly #configs = new Map<ConfigResourceKey, ReadonlyMap<string, string> | undefined>()
  readonly #configRevisions = new Map<ConfigResourceKey, number | undefined>()
  readonly #operations = new Map<Uuid, OperationImage | undefined>()
  #clusterId: Uuid
  #controller: MetadataImage['controller']
  #features: FeaturesImage
  #producerIds: ProducerIdsImage
  #restartGrant: RestartGrantImage | null

  constructor(image: MetadataImage) {
    this.#image = image
    this.#clusterId = image.clusterId
    this.#controller = image.controller
    this.#features = image.features
    this.#producerIds = image.producerIds
    this.#restartGrant = image.restartGrant
  }

  apply({ change, createRevision, modRevision }: RevisedChange): void {
    switch (change.kind) {
      case 'version':
      case 'topicName':
        return
      case 'cluster':
        this.#clusterId = change.clusterId
        return
      case 'features':
        this.#features = { epoch: modRevision, finalized: change.finalized }
        return
      case 'controller':
        this.#controller = change.brokerId === null ? null : { id: change.brokerId, epoch: createRevision }
        return
      case 'broker': {
        const { id, registration } = change
        this.#registrations.set(
          id,
          registration === null ? undefined : { registration, epoch: createRevision },
        )
        return
      }
      case 'brokerState': {
        const { id, state } = change
        this.#brokerStates.set(id, state === null ? undefined : { id, ...state, modRevision })
        return
      }
      case 'topic': {
        const { topicId, topic } = change
        this.#topics.headers.set(topicId, topic === null ? undefined : { ...topic, modRevision })
        return
      }
      case 'partition': {
        const { topicId, index, partition } = change
        const edited = partition === null ? undefined : partitionImage(partition, modRevision)
        const siblings = this.#topics.partitions.get(topicId)
        if (siblings === undefined) this.#topics.partitions.set(topicId, new Map([[index, edited]]))
        else siblings.set(index, edited)
        return
      }
      case 'config': {
        const key = configResourceKey(change.type, change.name)
        this.#configs.set(key, change.overrides ?? undefined)
        this.#configRevisions.set(key, change.overrides === null ? undefined : modRevision)
        return
      }
      case 'producerIds':
        this.#producerIds = { next: change.next, modRevision }
        return
      case 'restartGrant':
        this.#restartGrant = change.grant === null ? null : { ...change.grant, modRevision }
        return
      case 'operation': {
        const { id, operation } = change
        this.#operations.set(id, operation === null ? undefined : { id, ...operation, modRevision })
        return
      }
      default:
        unreachable(change)
    }
  }

  finish(revision: number): { image: MetadataImage; changed: ImageChanges } {
    const previous = this.#image
    const topics = applyTopicChanges(previous, this.#topics)
    const brokerStates = edited(previous.brokerStates, this.#brokerStates)
    const brokers = this.#finishBrokers(brokerStates)
    const image: MetadataImage = {
      revision,
      clusterId: this.#clusterId,
      controller: this.#controller,
      brokers: edited(previous.brokers, brokers),
      brokerStates,
      topicsByName: edited(previous.topicsByName, topics.byName),
      topicsById: edited(previous.topicsById, topics.byId),
      configs: edited(previous.configs, this.#configs),
      configRevisions: edited(previous.configRevisions, this.#configRevisions),
      features: this.#features,
      producerIds: this.#producerIds,
      restartGrant: this.#restartGrant,
      operations: edited(previous.operations, this.#operations),
      detachedPartitions: edited(previous.detachedPartitions, topics.detached),
    }
    const changed: ImageChanges = {
      topics: new Set(topics.byId.keys()),
      brokers: new Set(brokers.keys()),
      configs: new Set(this.#configs.keys()),
      operations: new Set(this.#operations.keys()),
      controller: this.#controller !== previous.controller,
      features: this.#features !== previous.features,
    }
    return { image, changed }
  }

  /** A broker's picture follows from its registration and from what is remembered of it. */
  #finishBrokers(states: ReadonlyMap<number, BrokerStateImage>): Map<number, BrokerImage | undefined> {
    const brokers = new Map<number, BrokerImage | undefined>()
    for (const id of new Set([...this.#registrations.keys(), ...this.#brokerStates.keys()])) {
      const before = this.#image.brokers.get(id)
      const now = this.#registrations.has(id) ? this.#registrations.get(id) : registrationOf(before)
      if (now === undefined && before === undefined) continue
      brokers.set(id, now === undefined ? undefined : brokerImage(id, now, states.get(id)))
    }
    return brokers
  }
}

interface RevisedRegistration {
  readonly registration: BrokerRegistration
  readonly epoch: number
}

function registrationOf(broker: BrokerImage | undefined): RevisedRegistration | undefined {
  return broker === undefined ? undefined : { registration: broker, epoch: broker.epoch }
}

function brokerImage(
  id: number,
  { registration, epoch }: RevisedRegistration,
  state: BrokerStateImage | undefined,
): BrokerImage {
  return {
    id,
    epoch,
    incarnationId: registration.incarnationId,
    listeners: registration.listeners,
    control: registration.control,
    rack: registration.rack,
    logDirectories: registration.logDirectories,
    fenced: state?.admittedEpoch !== epoch,
    cordoned: registration.cordoned || state?.cordoned === true,
    stopping: state?.stoppingEpoch === epoch,
    previousEpoch: registration.previousEpoch,
    features: registration.features,
    minInsyncReplicas: registration.minInsyncReplicas,
  }
}

/** Spelled out, because tens of thousands of these are to have one and the same shape. */
function partitionImage(partition: Omit<PartitionImage, 'modRevision'>, modRevision: number): PartitionImage {
  return {
    leader: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    isr: partition.isr,
    replicas: partition.replicas,
    adding: partition.adding,
    removing: partition.removing,
    elr: partition.elr,
    lastKnownLeader: partition.lastKnownLeader,
    directories: partition.directories,
    recovering: partition.recovering,
    partitionEpoch: partition.partitionEpoch,
    modRevision,
  }
}

function edited<K, V>(table: ReadonlyMap<K, V>, edits: ReadonlyMap<K, V | undefined>): ReadonlyMap<K, V> {
  if (edits.size === 0) return table
  const layered = table instanceof LayeredMap ? table : LayeredMap.empty<K, V>().with(table)
  return layered.with(edits)
}
