import { boolean, int, long, string, unlimited } from './setting-types.ts'

/** Log segments in remote storage. */
export const tieredStorageSettings = {
  'remote.log.storage.system.enable': boolean(false, 'Switch tiered storage on.'),
  'remote.log.storage.manager.impl.prefix': string('rsm.config.', 'Config prefix of the storage plug-in.', {
    notEmpty: true,
  }),
  'remote.log.metadata.manager.impl.prefix': string(
    'rlmm.config.',
    'Config prefix of the metadata plug-in.',
    { notEmpty: true },
  ),
  'remote.log.storage.manager.class.name': string(null, 'Storage plug-in.', { notEmpty: true }),
  'remote.log.storage.manager.class.path': string(null, 'Its class path.'),
  'remote.log.metadata.manager.class.name': string(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    'Metadata plug-in.',
    { notEmpty: true },
  ),
  'remote.log.metadata.manager.class.path': string(null, 'Its class path.'),
  'remote.log.metadata.manager.listener.name': string(null, 'Listener the metadata plug-in uses.', {
    notEmpty: true,
  }),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, 'Custom metadata per segment.', { from: 0 }),
  'remote.log.index.file.cache.total.size.bytes': long(1_073_741_824, 'Disk cache for remote indexes.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.log.manager.thread.pool.size': int(2, 'Scheduler threads.', { from: 1 }),
  'remote.log.manager.copier.thread.pool.size': int(10, 'Upload threads.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.log.manager.expiration.thread.pool.size': int(10, 'Remote delete threads.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.log.manager.follower.thread.pool.size': int(2, 'Follower task threads.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.log.manager.task.interval.ms': long(30_000, 'Period of the tiering tasks.', { from: 1 }),
  'remote.log.reader.threads': int(10, 'Remote read threads.', { from: 1, update: 'cluster-wide' }),
  'remote.log.reader.max.pending.tasks': int(100, 'Queued remote reads.', { from: 1 }),
  'log.local.retention.ms': long(-2, 'Local age kept of tiered segments (-2 = log.retention.ms).', {
    from: -2,
    update: 'cluster-wide',
  }),
  'log.local.retention.bytes': long(-2, 'Local bytes kept (-2 = log.retention.bytes).', {
    from: -2,
    update: 'cluster-wide',
  }),
  'remote.log.manager.copy.max.bytes.per.second': long(unlimited, 'Upload quota.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.log.manager.copy.quota.window.num': int(11, 'Samples of it.', { from: 1 }),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, 'Sample length.', { from: 1 }),
  'remote.log.manager.fetch.max.bytes.per.second': long(unlimited, 'Download quota.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.log.manager.fetch.quota.window.num': int(11, 'Samples of it.', { from: 1 }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, 'Sample length.', { from: 1 }),
  'remote.fetch.max.wait.ms': int(500, 'Wait of a fetch for remote data.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'remote.list.offsets.request.timeout.ms': long(30_000, 'Wait of ListOffsets for remote data.', {
    from: 1,
    update: 'cluster-wide',
  }),
}
