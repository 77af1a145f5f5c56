import { choices, int, intMax, list, long, short, string } from './setting-types.ts'

/** Consumer, share and streams groups, and committed offsets. */
export const groupCoordinatorSettings = {
  'group.coordinator.rebalance.protocols': choices(
    ['consumer', 'classic', 'share', 'streams'],
    ['classic', 'consumer', 'streams'],
    'Group types switched on.',
  ),
  'group.coordinator.threads': int(4, 'Threads of the coordinator event loop.', { from: 1 }),
  'group.coordinator.background.threads': int(2, 'Threads for background work (regex, assignment).', {
    from: 1,
  }),
  'group.coordinator.append.linger.ms': int(-1, 'How long coordinator writes are batched (-1 adaptive).', {
    from: -1,
  }),
  'offsets.commit.timeout.ms': int(5000, 'Wait for replication of coordinator writes.', { from: 1 }),
  'offsets.load.buffer.size': int(5_242_880, 'Read chunk when loading a coordinator partition (soft).', {
    from: 1,
  }),
  'offsets.topic.replication.factor': short(3, 'Replication of __consumer_offsets (creation fails below).', {
    from: 1,
  }),
  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets; must never change.', {
    from: 1,
  }),
  'offsets.topic.segment.bytes': int(104_857_600, 'Segment size of __consumer_offsets.', { from: 1 }),
  'offsets.topic.compression.codec': int(0, 'Codec for coordinator records.'),
  'group.coordinator.cached.buffer.max.bytes': int(1_048_588, 'Largest write buffer kept for reuse.', {
    from: 524_288,
    update: 'cluster-wide',
  }),
  'offset.metadata.max.bytes': int(4096, 'Longest metadata string in a commit.'),
  'offsets.retention.minutes': int(10_080, 'Offsets expire so long after group went empty / last commit.', {
    from: 1,
  }),
  'offsets.retention.check.interval.ms': long(600_000, 'Period of the offset expiry job.', { from: 1 }),
  'group.min.session.timeout.ms': int(6000, 'Lowest session timeout of classic members.'),
  'group.max.session.timeout.ms': int(1_800_000, 'Highest session timeout of classic members.'),
  'group.initial.rebalance.delay.ms': int(
    3000,
    'Wait for more members in the first rebalance of an empty group, from the last who came.',
  ),
  'group.max.size': int(intMax, 'Members in a classic group.', { from: 1 }),
  'group.consumer.session.timeout.ms': int(45_000, 'Session timeout of KIP-848 members (server decides).', {
    from: 1,
  }),
  'group.consumer.min.session.timeout.ms': int(45_000, 'Lower bound for the per-group setting.', { from: 1 }),
  'group.consumer.max.session.timeout.ms': int(60_000, 'Upper bound for the per-group setting.', { from: 1 }),
  'group.consumer.heartbeat.interval.ms': int(5000, 'Heartbeat interval handed to KIP-848 members.', {
    from: 1,
  }),
  'group.consumer.min.heartbeat.interval.ms': int(5000, 'Lower bound for the per-group setting.', {
    from: 1,
  }),
  'group.consumer.max.heartbeat.interval.ms': int(15_000, 'Upper bound for the per-group setting.', {
    from: 1,
  }),
  'group.consumer.max.size': int(intMax, 'Members in a KIP-848 group.', { from: 1 }),
  'group.consumer.assignors': list(['uniform', 'range'], 'Server-side assignors, first = default.'),
  'group.consumer.migration.policy': string(
    'bidirectional',
    'Online conversion classic <-> consumer: disabled, upgrade, downgrade, bidirectional.',
    { oneOf: ['DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'], ignoreCase: true },
  ),
  'group.consumer.assignment.interval.ms': int(1000, 'Minimum time between target assignments.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'group.consumer.min.assignment.interval.ms': int(0, 'Lower bound for the per-group setting.', { from: 0 }),
  'group.consumer.max.assignment.interval.ms': int(15_000, 'Upper bound for the per-group setting.', {
    from: 0,
  }),
  'group.share.session.timeout.ms': int(45_000, 'Session timeout of share members.', { from: 1 }),
  'group.share.min.session.timeout.ms': int(45_000, 'Lower bound for the per-group setting.', { from: 1 }),
  'group.share.max.session.timeout.ms': int(60_000, 'Upper bound for the per-group setting.', { from: 1 }),
  'group.share.heartbeat.interval.ms': int(5000, 'Heartbeat interval handed to share members.', { from: 1 }),
  'group.share.min.heartbeat.interval.ms': int(5000, 'Lower bound for the per-group setting.', { from: 1 }),
  'group.share.max.heartbeat.interval.ms': int(15_000, 'Upper bound for the per-group setting.', { from: 1 }),
  'group.share.max.size': int(200, 'Members in a share group.', { from: 1, to: 1000 }),
  'group.share.assignors': list(['simple'], 'The one assignor of share groups.'),
  'group.share.assignment.interval.ms': int(1000, 'Minimum time between share assignments.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'group.share.min.assignment.interval.ms': int(0, 'Lower bound for the per-group setting.', { from: 0 }),
  'group.share.max.assignment.interval.ms': int(15_000, 'Upper bound for the per-group setting.', {
    from: 0,
  }),
  'group.streams.session.timeout.ms': int(45_000, 'Session timeout of streams members.', { from: 1 }),
  'group.streams.min.session.timeout.ms': int(45_000, 'Lower bound for the per-group setting.', { from: 1 }),
  'group.streams.max.session.timeout.ms': int(60_000, 'Upper bound for the per-group setting.', { from: 1 }),
  'group.streams.heartbeat.interval.ms': int(5000, 'Heartbeat interval handed to streams members.', {
    from: 1,
  }),
  'group.streams.min.heartbeat.interval.ms': int(5000, 'Lower bound for the per-group setting.', { from: 1 }),
  'group.streams.max.heartbeat.interval.ms': int(15_000, 'Upper bound for the per-group setting.', {
    from: 1,
  }),
  'group.streams.max.size': int(intMax, 'Members in a streams group.', { from: 1 }),
  'group.streams.num.standby.replicas': int(0, 'Standby tasks per stateful task.', { from: 0 }),
  'group.streams.max.standby.replicas': int(2, 'Upper bound for the per-group setting.', { from: 0 }),
  'group.streams.initial.rebalance.delay.ms': int(
    3000,
    'Wait before the first assignment of a streams group.',
    { from: 0 },
  ),
  'group.streams.assignment.interval.ms': int(1000, 'Minimum time between streams assignments.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'group.streams.min.assignment.interval.ms': int(0, 'Lower bound for the per-group setting.', { from: 0 }),
  'group.streams.max.assignment.interval.ms': int(15_000, 'Upper bound for the per-group setting.', {
    from: 0,
  }),
}
