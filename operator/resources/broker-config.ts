/** The settings of brokers that follow from a Cluster, by Kafka's names, wherever it runs. Pure. */
import type { Cluster } from './cluster.ts'

/** Where it runs (addresses, directories, ids) comes on top. `brokers`: how many there are. */
export function brokerSettingsOf({ spec }: Cluster, brokers: number): Map<string, string> {
  const { topicDefaults, logging, config } = spec
  const replicas = topicDefaults.replicationFactor ?? Math.min(3, brokers)
  const internal = String(Math.min(3, brokers))
  const settings = new Map<string, string>([
    ['num.partitions', String(topicDefaults.partitions)],
    ['default.replication.factor', String(replicas)],
    ['min.insync.replicas', String(topicDefaults.minInsyncReplicas ?? Math.max(1, replicas - 1))],
    ['auto.create.topics.enable', String(topicDefaults.autoCreate)],
    ['log.level', logging.level],
    // Internal topics cannot have more replicas than there are brokers.
    ['offsets.topic.replication.factor', internal],
    ['transaction.state.log.replication.factor', internal],
    ['transaction.state.log.min.isr', String(Math.min(2, brokers))],
    ['share.coordinator.state.topic.replication.factor', internal],
    ['share.coordinator.state.topic.min.isr', String(Math.min(2, brokers))],
  ])
  for (const [name, value] of Object.entries(config)) settings.set(name, value)
  return settings
}
