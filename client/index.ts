// The only door, besides connection/ for brokers among themselves.

export { type Address, AnyBroker } from './admin/any-broker.ts'
export {
  alterBrokerConfigs,
  alterTopicConfigs,
  type ConfigChange,
  describeBrokerConfigs,
  describeTopicOverrides,
} from './admin/configs.ts'
export { describePartitions, type TopicPartitions } from './admin/partitions.ts'
export {
  listReassignments,
  type MoveInProgress,
  type Reassignment,
  startReassignments,
} from './admin/reassignments.ts'
export {
  describeAllReplicas,
  describeBrokers,
  type DescribedBroker,
  type DescribedCluster,
  type DescribedReplicas,
  describeTopicSetting,
} from './admin/cluster.ts'
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
