import { int, short } from './setting-types.ts'

/** Delivery of records to share groups, and where its state is kept. */
export const shareGroupSettings = {
  'group.share.delivery.count.limit': int(5, 'Delivery attempts before a record is archived.', {
    from: 2,
    to: 10,
  }),
  'group.share.max.delivery.count.limit': int(10, 'Upper bound for the per-group setting.', {
    from: 5,
    to: 25,
  }),
  'group.share.min.delivery.count.limit': int(2, 'Lower bound for the per-group setting.', {
    from: 2,
    to: 5,
  }),
  'group.share.record.lock.duration.ms': int(30_000, 'Acquisition lock time of a delivered record.', {
    from: 1000,
    to: 3_600_000,
  }),
  'group.share.min.record.lock.duration.ms': int(15_000, 'Lower bound for the per-group setting.', {
    from: 1000,
    to: 30_000,
  }),
  'group.share.max.record.lock.duration.ms': int(60_000, 'Upper bound for the per-group setting.', {
    from: 30_000,
    to: 3_600_000,
  }),
  'group.share.partition.max.record.locks': int(2000, 'In-flight records per share partition.', {
    from: 100,
    to: 10_000,
  }),
  'group.share.max.partition.max.record.locks': int(4000, 'Upper bound for the per-group setting.', {
    from: 2000,
    to: 10_000,
  }),
  'group.share.min.partition.max.record.locks': int(100, 'Lower bound for the per-group setting.', {
    from: 100,
    to: 2000,
  }),
  'share.fetch.purgatory.purge.interval.requests': int(
    1000,
    'Completed waiting share fetches before a cleanup.',
  ),
  'group.share.max.share.sessions': int(2000, 'Share sessions per broker.', { from: 1 }),
  'share.coordinator.state.topic.num.partitions': int(
    50,
    'Partitions of __share_group_state; must never change.',
    { from: 1 },
  ),
  'share.coordinator.state.topic.replication.factor': short(3, 'Replication of __share_group_state.', {
    from: 1,
  }),
  'share.coordinator.state.topic.min.isr': short(2, 'min.insync.replicas of __share_group_state.', {
    from: 1,
  }),
  'share.coordinator.state.topic.segment.bytes': int(104_857_600, 'Segment size of __share_group_state.', {
    from: 1,
  }),
  'share.coordinator.threads': int(1, 'Event-loop threads of the share coordinator.', { from: 1 }),
  'share.coordinator.snapshot.update.records.per.snapshot': int(
    500,
    'Delta records written before a new snapshot record.',
    { from: 0, to: 500 },
  ),
  'share.coordinator.load.buffer.size': int(5_242_880, 'Read chunk when loading share state.', { from: 1 }),
  'share.coordinator.state.topic.compression.codec': int(0, 'Codec of share state records.'),
  'share.coordinator.append.linger.ms': int(-1, 'How long share state writes are batched (-1 adaptive).', {
    from: -1,
  }),
  'share.coordinator.write.timeout.ms': int(5000, 'Wait for replication of share state writes.', { from: 1 }),
  'share.coordinator.cached.buffer.max.bytes': int(1_048_588, 'Largest write buffer kept for reuse.', {
    from: 524_288,
    update: 'cluster-wide',
  }),
}
