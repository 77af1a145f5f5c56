/** The values of replica.selector.class: Kafka's own classes, whose behaviour is built in. The first is as if none were given. */
export const replicaSelectors = {
  leader: 'org.apache.kafka.common.replica.LeaderSelector',
  rack: 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
} as const
