import { boolean, int, list, long, string } from './setting-types.ts'

/** Settings of the metadata quorum of KRaft, so that a file written for it is understood. */
export const kraftSettings = {
  'metadata.log.max.record.bytes.between.snapshots': long(20_971_520, 'Metadata bytes before a snapshot.', {
    from: 1,
  }),
  'metadata.log.max.snapshot.interval.ms': long(3_600_000, 'Longest time between snapshots.', { from: 0 }),
  'metadata.log.dir': string(null, 'Dir of the metadata log.'),
  'metadata.log.segment.bytes': int(1_073_741_824, 'Segment size of the metadata log.', { from: 8_388_608 }),
  'metadata.log.segment.ms': long(604_800_000, 'Segment age of the metadata log.'),
  'metadata.max.retention.bytes': long(104_857_600, 'Size kept of metadata log + snapshots.'),
  'metadata.max.retention.ms': long(604_800_000, 'Age kept of metadata log + snapshots.'),
  'metadata.max.idle.interval.ms': int(500, 'No-op record when idle so long.', { from: 0 }),
  'controller.quorum.voters': list([], 'Static voters id@host:port.'),
  'controller.quorum.bootstrap.servers': list([], 'Addresses to find the quorum.'),
  'controller.quorum.election.timeout.ms': int(1000, 'Wait before starting an election.', { from: 0 }),
  'controller.quorum.fetch.timeout.ms': int(2000, 'Follower gives up on the leader after.', { from: 0 }),
  'controller.quorum.election.backoff.max.ms': int(1000, 'Largest pause between elections.', { from: 0 }),
  'controller.quorum.append.linger.ms': int(25, 'Batching of metadata writes.', { from: 0 }),
  'controller.quorum.request.timeout.ms': int(2000, 'Limit of quorum requests.', { from: 0 }),
  'controller.quorum.retry.backoff.ms': int(20, 'Pause between retries.', { from: 0 }),
  'controller.quorum.auto.join.enable': boolean(false, 'New controllers join the voters by themselves.'),
  'controller.quorum.fetch.snapshot.max.bytes': int(1_048_576, 'Bytes per snapshot fetch.', { from: 1 }),
  'controller.quorum.fetch.max.bytes': int(1_048_576, 'Bytes per metadata fetch.', { from: 1 }),
}
