/** Settings that some Kafka knew or knows and that do nothing here: what to tell who gives one. */

export interface Foreign {
  /** mistake: going on would not do what was meant. note: nothing is lost by passing over it. */
  readonly verdict: 'mistake' | 'note'
  /** What to do, or what took its place. */
  readonly sentence: string
}

const gone = 'it is gone since Kafka 4 and is ignored; remove it.'
const instead = (names: string): Foreign => ({
  verdict: 'mistake',
  sentence: `it is gone since Kafka 4; use ${names} instead.`,
})
const note = (sentence: string): Foreign => ({ verdict: 'note', sentence })

const byName: { readonly [name: string]: Foreign } = {
  'host.name': instead('listeners'),
  port: instead('listeners'),
  'advertised.host.name': instead('advertised.listeners'),
  'advertised.port': instead('advertised.listeners'),
  'delegation.token.master.key': instead('delegation.token.secret.key'),
  'log.message.timestamp.difference.max.ms': instead(
    'log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms',
  ),
  'quota.producer.default': instead('client quotas (kafka-configs --entity-type clients)'),
  'quota.consumer.default': instead('client quotas (kafka-configs --entity-type clients)'),
  'log.message.format.version': note(gone),
  'inter.broker.protocol.version': note(gone),
  'control.plane.listener.name': note(gone),
  'group.coordinator.new.enable': note(gone),
  'offsets.commit.required.acks': note(gone),
  'leader.imbalance.per.broker.percentage': note(gone),
  'log.message.downconversion.enable': note(gone),
  'broker.id.generation.enable': note('broker ids are not made up here; it is ignored.'),
  'reserved.broker.max.id': note('broker ids are not made up here; it is ignored.'),
  'auto.include.jmx.reporter': note('metrics are served over HTTP (http.listeners); it is ignored.'),
  'eligible.leader.replicas.enable': note('eligible leader replicas are a feature level; it is ignored.'),
}

const byPrefix: readonly (readonly [prefix: string, Foreign])[] = [
  ['zookeeper.', note('there is no ZooKeeper here; it is ignored.')],
  ['password.encoder.', note('it belonged to ZooKeeper; it is ignored.')],
  ['controller.performance.', note('it is internal to Kafka; it is ignored.')],
  ['internal.', note('it is internal to Kafka; it is ignored.')],
  ['unstable.', note('there are no unstable versions here; it is ignored.')],
  ['confluent.', note('it belongs to Confluent Platform; it is ignored.')],
  ['cruise.control.', note('it belongs to a Java plug-in; it is ignored.')],
  ['rsm.config.', note('it belongs to a Java plug-in; it is ignored.')],
  ['rlmm.config.', note('it belongs to a Java plug-in; it is ignored.')],
  ['config.providers.', note('it belongs to a Java plug-in; it is ignored.')],
  [
    'metrics.jmx.',
    note('there is no JMX here, metrics are served over HTTP (http.listeners); it is ignored.'),
  ],
]

/** Kafka has these but does not document them. */
const internal = new Set([
  'group.consumer.regex.refresh.interval.ms',
  'group.share.initialize.retry.interval.ms',
  'group.share.persister.class.name',
  'log.initial.task.delay.ms',
  'producer.id.expiration.check.interval.ms',
  'remote.log.index.file.cache.ttl.ms',
  'remote.log.manager.task.retry.backoff.max.ms',
  'remote.log.manager.task.retry.backoff.ms',
  'remote.log.manager.task.retry.jitter',
  'server.max.startup.time.ms',
  'share.coordinator.cold.partition.snapshot.interval.ms',
  'share.coordinator.state.topic.prune.interval.ms',
  'unclean.leader.election.interval.ms',
])

/** What to say of a name that is not in the table of broker settings, or undefined when nobody knows it. */
export function foreignSetting(name: string): Foreign | undefined {
  if (Object.hasOwn(byName, name)) return byName[name]
  if (internal.has(name)) return note('it is internal to Kafka; it is ignored.')
  return byPrefix.find(([prefix]) => name.startsWith(prefix))?.[1]
}
