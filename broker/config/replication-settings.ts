import { boolean, choice, int, long, string } from './setting-types.ts'

/** How replicas follow and who leads. */
export const replicationSettings = {
  'controller.socket.timeout.ms': int(30_000, 'Socket limit broker to controller.'),
  'default.replication.factor': int(1, 'Replication factor of topics created without one.'),
  'replica.lag.time.max.ms': long(30_000, 'Follower leaves the ISR when it was not caught up for so long.'),
  'replica.socket.timeout.ms': int(30_000, 'Socket limit of replica fetches.'),
  'replica.socket.receive.buffer.bytes': int(65_536, 'Receive buffer of replica fetches.'),
  'replica.fetch.max.bytes': int(
    1_048_576,
    'Bytes per partition in a replica fetch (first batch always fits).',
    { from: 0 },
  ),
  'replica.fetch.wait.max.ms': int(
    500,
    'Longest wait of a replica fetch; must be below replica.lag.time.max.ms.',
  ),
  'replica.fetch.backoff.ms': int(1000, 'Pause after a failed replica fetch.', { from: 0 }),
  'replica.fetch.min.bytes': int(1, 'Bytes a replica fetch waits for.'),
  'replica.fetch.response.max.bytes': int(10_485_760, 'Bytes of a whole replica fetch response.', {
    from: 0,
  }),
  'num.replica.fetchers': int(1, 'Fetcher threads per source broker.', { from: 1, update: 'cluster-wide' }),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, 'Period of writing high watermarks.'),
  'fetch.purgatory.purge.interval.requests': int(1000, 'Completed waiting fetches before a cleanup.'),
  'producer.purgatory.purge.interval.requests': int(1000, 'Same for produce.'),
  'delete.records.purgatory.purge.interval.requests': int(1, 'Same for DeleteRecords.'),
  'auto.leader.rebalance.enable': boolean(true, 'Controller moves leadership back to preferred replicas.'),
  'leader.imbalance.check.interval.seconds': long(300, 'Period of that check.', { from: 1 }),
  'unclean.leader.election.enable': boolean(false, 'Allow a leader from outside ISR/ELR (data loss).', {
    update: 'cluster-wide',
  }),
  'security.inter.broker.protocol': choice(
    ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    'PLAINTEXT',
    'Protocol between brokers (if no listener name is set).',
  ),
  'inter.broker.listener.name': string(null, 'Listener used between brokers.'),
  'replica.selector.class': string(
    null,
    'Plug-in that chooses the replica for a consumer (KIP-392); null = always leader.',
  ),
  'follower.fetch.last.tiered.offset.enable': boolean(
    false,
    'New followers of tiered topics start at the first not yet tiered offset.',
    { update: 'cluster-wide' },
  ),
}
