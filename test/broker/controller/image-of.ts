import { applyChanges, type RevisedChange } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import type {
  BrokerRegistration,
  BrokerState,
  MetadataChange,
  PartitionState,
} from '../../../broker/metadata/keys.ts'
import { featuresOfNewCluster } from '../../../broker/metadata/supported-features.ts'
import type { ControllerRules, DecisionContext } from '../../../broker/controller/decision.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { testRules } from './one-store-cluster.ts'

/** The next image, with these changes in one revision. */
export function imageAfter(image: MetadataImage, changes: readonly MetadataChange[]): MetadataImage {
  const revision = image.revision + 1
  const revised: RevisedChange[] = changes.map(change => ({
    change,
    createRevision: revision,
    modRevision: revision,
  }))
  return applyChanges(image, revision, revised).image
}

/** Broker `id`, registered; admitted by the controller unless `fenced`. Two revisions, or one. */
export function withBroker(
  image: MetadataImage,
  id: number,
  {
    rack = null,
    fenced = false,
    cordoned = false,
    stopping = false,
    ...details
  }: Partial<BrokerRegistration> & { fenced?: boolean; stopping?: boolean } = {},
): MetadataImage {
  const registration: BrokerRegistration = {
    incarnationId: `i${id}`,
    listeners: [],
    control: null,
    rack,
    logDirectories: [],
    cordoned,
    previousEpoch: -1,
    features: [],
    minInsyncReplicas: 1,
    ...details,
  }
  const registered = imageAfter(image, [{ kind: 'broker', id, registration }])
  if (fenced) return registered
  const { revision } = registered
  const { incarnationId } = registration
  const state: BrokerState = {
    admittedEpoch: revision,
    incarnationId,
    cleanStopEpoch: -1,
    stoppingEpoch: stopping ? revision : -1,
    listeners: [],
    rack,
    cordoned: false,
  }
  return imageAfter(registered, [{ kind: 'brokerState', id, state }])
}

/** The features of a new cluster: eligible leader replicas are kept. */
export function withFeatures(image: MetadataImage): MetadataImage {
  return imageAfter(image, [{ kind: 'features', finalized: featuresOfNewCluster }])
}

/** min.insync.replicas for the whole cluster, and eligible leader replicas kept by it. */
export function withMinInsyncReplicas(image: MetadataImage, count: number): MetadataImage {
  const overrides = new Map([['min.insync.replicas', String(count)]])
  return imageAfter(withFeatures(image), [{ kind: 'config', type: 'broker', name: '', overrides }])
}

export function withoutBroker(image: MetadataImage, id: number): MetadataImage {
  return imageAfter(image, [{ kind: 'broker', id, registration: null }])
}

/** A topic `name` with id `id-<name>` and these partitions. */
export function withTopic(
  image: MetadataImage,
  name: string,
  partitions: readonly Partial<PartitionState>[],
): MetadataImage {
  const topicId = `id-${name}`
  const changes: MetadataChange[] = partitions.map((partition, index) => ({
    kind: 'partition',
    topicId,
    index,
    partition: aPartition(partition),
  }))
  return imageAfter(image, [
    ...changes,
    { kind: 'topic', topicId, topic: { name, partitions: partitions.length } },
  ])
}

export function aPartition(changes: Partial<PartitionState> = {}): PartitionState {
  return {
    leader: 1,
    leaderEpoch: 0,
    isr: [1],
    replicas: [1],
    adding: [],
    removing: [],
    elr: [],
    lastKnownLeader: -1,
    directories: [],
    recovering: false,
    partitionEpoch: 0,
    ...changes,
  }
}

export function contextWith(rules: Partial<ControllerRules> = {}, seed = 1): DecisionContext {
  return { random: seededRandom(seed), rules: testRules(rules) }
}
