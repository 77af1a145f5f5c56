// The only door, besides connection/ for brokers among themselves.

export { type Address, AnyBroker } from './admin/any-broker.ts'
export {
  type DescribedBroker,
  type DescribedCluster,
  type DescribedPartition,
  describeCluster,
  describePartitions,
  type TopicPartitions,
} from './admin/cluster.ts'
export {
  alterBrokerConfigs,
  alterTopicConfigs,
  type ConfigChange,
  describeBrokerConfigs,
  describeTopicOverrides,
} from './admin/configs.ts'
export {
  listReassignments,
  type MoveInProgress,
  type Reassignment,
  startReassignments,
} from './admin/reassignments.ts'
export {
  addPartitions,
  type AdminResult,
  createNewTopics,
  type DescribedTopic,
  describeTopics,
  type NewTopic,
  removeTopics,
} from './admin/topics.ts'
export { Connection, type ConnectionOptions, type Requester } from './connection/connection.ts'
export { ConnectionError } from './connection/connection-error.ts'
