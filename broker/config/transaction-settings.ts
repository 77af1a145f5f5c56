import { boolean, int, short } from './setting-types.ts'

/** Transactions and idempotent producers. */
export const transactionSettings = {
  'transaction.state.log.min.isr': int(2, 'min.insync.replicas of __transaction_state.', { from: 1 }),
  'transaction.state.log.load.buffer.size': int(5_242_880, 'Read chunk when loading transaction state.', {
    from: 1,
  }),
  'transaction.state.log.replication.factor': short(3, 'Replication of __transaction_state.', { from: 1 }),
  'transaction.state.log.num.partitions': int(50, 'Partitions of __transaction_state; must never change.', {
    from: 1,
  }),
  'transaction.state.log.segment.bytes': int(104_857_600, 'Segment size of __transaction_state.', {
    from: 1,
  }),
  'transaction.partition.verification.enable': boolean(
    true,
    'Leader asks the coordinator before the first transactional append of TV1 producers.',
    { update: 'cluster-wide' },
  ),
  'producer.id.expiration.ms': int(86_400_000, 'Idle producer state per partition is dropped after this.', {
    from: 1,
    update: 'cluster-wide',
  }),
  'transactional.id.expiration.ms': int(
    604_800_000,
    'Idle transactional id is tombstoned after this (not while a transaction is open).',
    { from: 1 },
  ),
  'transaction.max.timeout.ms': int(900_000, 'Largest transaction timeout a client may ask.', { from: 1 }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10_000,
    'Period of the abort-timed-out job.',
    { from: 1 },
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    3_600_000,
    'Period of the id expiry job.',
    { from: 1 },
  ),
  'transaction.two.phase.commit.enable': boolean(false, 'Allow KIP-939 participants (no server timeout).'),
  'add.partitions.to.txn.retry.backoff.max.ms': int(
    100,
    'TV2: total time the broker itself retries on CONCURRENT_TRANSACTIONS.',
    { from: 0 },
  ),
  'add.partitions.to.txn.retry.backoff.ms': int(20, 'TV2: pause between those retries.', { from: 1 }),
}
