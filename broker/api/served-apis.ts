import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { type BrokerView, describeTopicConfigs } from '../config/describe-configs.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import type { LogDirectories } from '../log/log-directories.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { supportedFeatures } from '../metadata/supported-features.ts'
import type { TopicTraffic } from '../metrics/topic-traffic.ts'
import type { Partitions } from '../replication/partitions.ts'
import type { ProducerIds } from '../replication/producer-ids.ts'
import type { ReplicationThrottle } from '../replication/replication-throttle.ts'
import { alterConfigsHandler, incrementalAlterConfigsHandler } from './alter-configs.ts'
import { alterPartitionReassignmentsHandler } from './alter-partition-reassignments.ts'
import { alterReplicaLogDirsHandler } from './alter-replica-log-dirs.ts'
import { apiVersionsHandler } from './api-versions.ts'
import type { AutoTopicCreation } from './auto-topic-creation.ts'
import type { BrokerLoggers } from './broker-loggers.ts'
import { createPartitionsHandler } from './create-partitions.ts'
import { createTopicsHandler } from './create-topics.ts'
import { deleteRecordsHandler } from './delete-records.ts'
import { deleteTopicsHandler } from './delete-topics.ts'
import { describeClusterHandler } from './describe-cluster.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { describeLogDirsHandler } from './describe-log-dirs.ts'
import { describeProducersHandler } from './describe-producers.ts'
import { describeTopicPartitionsHandler } from './describe-topic-partitions.ts'
import type { FetchSessions } from './fetch-sessions.ts'
import { electLeadersHandler } from './elect-leaders.ts'
import { fetchHandler } from './fetch.ts'
import { groupHandlers, type GroupHandlersParts } from './group-handlers.ts'
import type { ApiHandler, ApiHandlers } from './handler.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { listOffsetsHandler } from './list-offsets.ts'
import { listPartitionReassignmentsHandler } from './list-partition-reassignments.ts'
import { metadataHandler } from './metadata.ts'
import { offsetForLeaderEpochHandler } from './offset-for-leader-epoch.ts'
import { produceHandler } from './produce.ts'
import { unregisterBrokerHandler } from './unregister-broker.ts'
import { updateFeaturesHandler } from './update-features.ts'

/** The APIs that a broker serves. What stands here is advertised; nothing else is. */
export function servedApis(parts: ServedParts): ApiHandler[] {
  return [
    apiVersionsHandler({ served: parts.served, features: () => featuresOf(parts.image()) }),
    metadataHandler(parts),
    describeClusterHandler(parts),
    describeTopicPartitionsHandler(parts),
    produceHandler(parts),
    fetchHandler(parts),
    listOffsetsHandler(parts),
    offsetForLeaderEpochHandler(parts),
    deleteRecordsHandler(parts),
    describeProducersHandler(parts),
    initProducerIdHandler(parts),
    createTopicsHandler({
      controller: parts.controller,
      describeTopic: overrides => describeTopicConfigs(overrides, parts.brokerView()),
    }),
    createPartitionsHandler(parts),
    deleteTopicsHandler(parts),
    describeConfigsHandler(parts),
    alterConfigsHandler(parts),
    incrementalAlterConfigsHandler(parts),
    electLeadersHandler(parts),
    alterPartitionReassignmentsHandler(parts),
    listPartitionReassignmentsHandler(parts),
    unregisterBrokerHandler(parts),
    updateFeaturesHandler(parts),
    describeLogDirsHandler(parts),
    alterReplicaLogDirsHandler(parts),
    ...groupHandlers(parts),
  ]
}

export interface ServedParts extends GroupHandlersParts {
  readonly brokerId: number
  readonly image: () => MetadataImage
  readonly served: () => ApiHandlers
  readonly controller: ControllerClient
  readonly partitions: Partitions
  readonly logs: LogDirectories
  readonly sessions: FetchSessions
  readonly waitingFetches: Set<() => void>
  readonly traffic: TopicTraffic
  readonly producerIds: ProducerIds
  readonly autoTopicCreation: AutoTopicCreation
  /** The settings in force, with the levels they come from. */
  readonly brokerView: () => BrokerView
  readonly loggers: BrokerLoggers
  /** How long the controller may take where a request names no time. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly turn: EndOfTurn
  /** The setting fetch.max.bytes. */
  readonly maxBytes: number
  /** The setting max.request.partition.size.limit. */
  readonly mostPartitions: number
  readonly interBrokerListener: string
  readonly leaderThrottle: ReplicationThrottle
  readonly selectsByRack: boolean
}

function featuresOf({ features }: MetadataImage) {
  return {
    supported: supportedFeatures.map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max })),
    finalized: Array.from(features.finalized, ([name, level]) => ({ name, level })),
    finalizedEpoch: features.epoch,
  }
}
