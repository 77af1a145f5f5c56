import { boolean, choice, choices, double, int, javaClass, list, long, unlimited } from './setting-types.ts'

/** Data directories, segments, retention, cleaning. */
export const logSettings = {
  'num.partitions': int(1, 'Partitions of a topic created without a count.', { from: 1 }),
  'log.dir': list(['/tmp/kafka-logs'], 'Data directory when log.dirs is not set.'),
  'log.dirs': list(null, 'Data directories.'),
  'cordoned.log.dirs': list([], 'Dirs that take no new replicas.', { update: 'per-broker' }),
  'log.segment.bytes': int(1_073_741_824, 'Roll the segment at this size.', {
    from: 1_048_576,
    update: 'cluster-wide',
  }),
  'log.roll.ms': long(null, 'Roll the segment at this age (wins over hours).', { update: 'cluster-wide' }),
  'log.roll.hours': int(168, 'Roll the segment at this age.', { from: 1 }),
  'log.roll.jitter.ms': long(null, 'Random amount taken off the roll age.', { update: 'cluster-wide' }),
  'log.roll.jitter.hours': int(0, 'Random amount taken off the roll age.', { from: 0 }),
  'log.retention.ms': long(null, 'Delete segments older than this, -1 never (wins over minutes, hours).', {
    update: 'cluster-wide',
  }),
  'log.retention.minutes': int(null, 'Same in minutes.'),
  'log.retention.hours': int(168, 'Same in hours.'),
  'log.retention.bytes': long(-1, 'Delete oldest segments while the partition is larger, -1 off.', {
    update: 'cluster-wide',
  }),
  'log.retention.check.interval.ms': long(300_000, 'Period of the retention job.', { from: 1 }),
  'log.cleanup.policy': choices(
    ['compact', 'delete'],
    ['delete'],
    'Delete, compact or both (empty: neither).',
    { update: 'cluster-wide' },
  ),
  'log.index.size.max.bytes': int(10_485_760, 'Maximum size of an index file.', {
    from: 4,
    update: 'cluster-wide',
  }),
  'log.index.interval.bytes': int(4096, 'Bytes of log between index entries.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'log.flush.interval.messages': long(unlimited, 'Fsync after so many records.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'log.segment.delete.delay.ms': long(60_000, 'Wait before a removed file is unlinked.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'log.flush.scheduler.interval.ms': long(unlimited, 'Period at which flush.ms is checked.'),
  'log.flush.interval.ms': long(null, 'Fsync at least so often (null: scheduler interval).', {
    update: 'cluster-wide',
  }),
  'log.flush.offset.checkpoint.interval.ms': int(60_000, 'Period of writing recovery points.', { from: 0 }),
  'log.flush.start.offset.checkpoint.interval.ms': int(60_000, 'Period of writing log start offsets.', {
    from: 0,
  }),
  'log.preallocate': boolean(
    false,
    'Accepted, without effect: a segment file is always as long as what it holds.',
    { update: 'cluster-wide' },
  ),
  'num.recovery.threads.per.data.dir': int(2, 'Threads per dir for start-up recovery and shutdown flush.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'auto.create.topics.enable': boolean(true, 'Metadata may create missing topics.'),
  'min.insync.replicas': int(1, 'ISR size needed for acks=all and for moving the high watermark.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'log.message.timestamp.type': choice(
    ['CreateTime', 'LogAppendTime'],
    'CreateTime',
    'CreateTime or LogAppendTime.',
    { update: 'cluster-wide' },
  ),
  'log.message.timestamp.before.max.ms': long(unlimited, 'How far a record time may lie in the past.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'log.message.timestamp.after.max.ms': long(3_600_000, 'How far a record time may lie in the future.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'create.topic.policy.class.name': javaClass(null, 'Plug-in that may refuse CreateTopics.'),
  'alter.config.policy.class.name': javaClass(null, 'Plug-in that may refuse config changes.'),
  'log.dir.failure.timeout.ms': long(
    30_000,
    'Stop the broker if the controller could not be told of a failed dir in time.',
    { from: 1 },
  ),
  'log.cleaner.threads': int(1, 'Cleaner threads.', { from: 0, update: 'cluster-wide' }),
  'log.cleaner.io.max.bytes.per.second': double(Number.MAX_VALUE, 'Cleaner read+write limit.', {
    update: 'cluster-wide',
  }),
  'log.cleaner.dedupe.buffer.size': long(
    134_217_728,
    'Memory of the key-to-offset maps, all threads together.',
    { update: 'cluster-wide' },
  ),
  'log.cleaner.io.buffer.size': int(524_288, 'Cleaner I/O buffers, all threads together.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'log.cleaner.io.buffer.load.factor': double(0.9, 'Fill limit of the map.', { update: 'cluster-wide' }),
  'log.cleaner.backoff.ms': long(15_000, 'Sleep when nothing is dirty.', { from: 0, update: 'cluster-wide' }),
  'log.cleaner.min.cleanable.ratio': double(0.5, 'Dirty share that makes a log eligible.', {
    from: 0,
    to: 1,
    update: 'cluster-wide',
  }),
  'log.cleaner.enable': boolean(true, 'Run the cleaner (compacted topics need it).'),
  'log.cleaner.delete.retention.ms': long(
    86_400_000,
    'Life of tombstones and empty-transaction markers after first cleaning.',
    { from: 0, update: 'cluster-wide' },
  ),
  'log.cleaner.min.compaction.lag.ms': long(0, 'Younger records stay uncompacted.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'log.cleaner.max.compaction.lag.ms': long(unlimited, 'Older records force compaction.', {
    from: 1,
    update: 'cluster-wide',
  }),
}
