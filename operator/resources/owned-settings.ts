/** Settings of brokers that cannot be given by name in a Cluster. */

/** Those that have a field in the resource, and where. */
export const fieldOfSetting: Readonly<Record<string, string>> = {
  'num.partitions': 'spec.topicDefaults.partitions',
  'default.replication.factor': 'spec.topicDefaults.replicationFactor',
  'min.insync.replicas': 'spec.topicDefaults.minInsyncReplicas',
  'auto.create.topics.enable': 'spec.topicDefaults.autoCreate',
  'log.level': 'spec.logging.level',
  listeners: 'spec.listeners',
  'advertised.listeners': 'spec.listeners',
  'etcd.connect': 'spec.etcd',
  'broker.rack': 'spec.brokers.rack',
}

const followFromTheRest = [
  'broker.id',
  'node.id',
  'process.roles',
  'cluster.id',
  'inter.broker.listener.name',
  'security.inter.broker.protocol',
  'controller.listener.names',
  'early.start.listeners',
  'log.dir',
  'log.dirs',
  'metadata.log.dir',
  'http.listeners',
  'authorizer.class.name',
  'controlled.shutdown.delay.ms',
  'controlled.shutdown.grant.wait.ms',
  'controlled.shutdown.grant.name',
]

export const ownedPrefixes = [
  'listener.',
  'etcd.',
  'control.',
  'controller.quorum.',
  'zookeeper.',
  'ssl.',
  'sasl.',
] as const

/** Every one of them that has a fixed name. */
export const ownedSettings: readonly string[] = [...Object.keys(fieldOfSetting), ...followFromTheRest]

/** Whether it follows from the resource or from where the broker runs. */
export function followsFromTheRest(name: string): boolean {
  return followFromTheRest.includes(name) || ownedPrefixes.some(prefix => name.startsWith(prefix))
}
