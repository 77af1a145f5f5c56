// The only door, besides connection/ for brokers among themselves.

export { alterTopicConfigs, type ConfigChange, describeTopicOverrides } from './admin/configs.ts'
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
} from './admin/topics.ts'
export { Connection, type ConnectionOptions, type Requester } from './connection/connection.ts'
export { ConnectionError } from './connection/connection-error.ts'
