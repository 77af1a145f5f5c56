import type { ErrorName } from '../../protocol/index.ts'

const told: { readonly [Error in ErrorName]?: ErrorName } = {
  UNKNOWN_TOPIC_OR_PARTITION: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS: 'COORDINATOR_NOT_AVAILABLE',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'COORDINATOR_NOT_AVAILABLE',
  REQUEST_TIMED_OUT: 'COORDINATOR_NOT_AVAILABLE',
  NOT_LEADER_OR_FOLLOWER: 'NOT_COORDINATOR',
  KAFKA_STORAGE_ERROR: 'NOT_COORDINATOR',
  MESSAGE_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
  RECORD_LIST_TOO_LARGE: 'UNKNOWN_SERVER_ERROR',
}

/**
 * What the client of a coordinator is told when a record could not be written. The raw errors of a log would make it
 * look for the leader of some topic, or make its batches smaller; it should look for the coordinator.
 */
export function errorOfFailedAppend(error: ErrorName): ErrorName {
  return told[error] ?? error
}
