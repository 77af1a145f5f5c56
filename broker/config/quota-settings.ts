import { int, javaClass, list, long, password, string, unlimited } from './setting-types.ts'

/** Quotas, metrics, telemetry, delegation tokens. */
export const quotaSettings = {
  'quota.window.num': int(11, 'Samples kept for client quotas.', { from: 1 }),
  'replication.quota.window.num': int(11, 'Samples kept for replication quotas.', { from: 1 }),
  'alter.log.dirs.replication.quota.window.num': int(11, 'Samples kept for dir-move quotas.', { from: 1 }),
  'controller.quota.window.num': int(11, 'Samples kept for controller mutation quotas.', { from: 1 }),
  'quota.window.size.seconds': int(1, 'Length of a client-quota sample.', { from: 1 }),
  'replication.quota.window.size.seconds': int(1, 'Length of a replication-quota sample.', { from: 1 }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, 'Length of a dir-move-quota sample.', {
    from: 1,
  }),
  'controller.quota.window.size.seconds': int(1, 'Length of a mutation-quota sample.', { from: 1 }),
  'client.quota.callback.class': javaClass(null, 'Plug-in that decides quota limits.'),
  'leader.replication.throttled.rate': long(
    unlimited,
    'Bytes/s for throttled replicas on the leader side (dynamic only).',
    { from: 0, update: 'cluster-wide' },
  ),
  'follower.replication.throttled.rate': long(
    unlimited,
    'Bytes/s for throttled replicas on the follower side (dynamic only).',
    { from: 0, update: 'cluster-wide' },
  ),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(
    unlimited,
    'Bytes/s for moves between dirs (dynamic only).',
    { from: 0, update: 'cluster-wide' },
  ),
  'metrics.num.samples': int(2, 'Samples per metric.', { from: 1 }),
  'metrics.sample.window.ms': long(30_000, 'Length of a sample.', { from: 1 }),
  'metric.reporters': list(['org.apache.kafka.common.metrics.JmxReporter'], 'Reporter plug-ins.', {
    update: 'cluster-wide',
  }),
  'metrics.recording.level': string('INFO', 'INFO, DEBUG, TRACE.'),
  'kafka.metrics.reporters': list([], 'Reporter plug-ins of the older metrics library.'),
  'kafka.metrics.polling.interval.secs': int(10, 'Polling period of those reporters.', { from: 1 }),
  'telemetry.max.bytes': int(1_048_576, 'Largest telemetry push of a client.', { from: 1 }),
  'delegation.token.secret.key': password(
    'Key that signs delegation tokens; unset = feature off (same on all nodes).',
  ),
  'delegation.token.max.lifetime.ms': long(604_800_000, 'Longest life of a token.', { from: 1 }),
  'delegation.token.expiry.time.ms': long(86_400_000, 'Time until a token needs renewal.', { from: 1 }),
  'delegation.token.expiry.check.interval.ms': long(3_600_000, 'Period of removing expired tokens.', {
    from: 1,
  }),
}
