import { expect, test } from 'vitest'
import { loadBrokerSettings } from '../../../broker/config/load-settings.ts'
import { type TopicSettings, topicSettingsFor } from '../../../broker/config/topic-settings.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { PartitionImage } from '../../../broker/metadata/image.ts'
import { Partition } from '../../../broker/replication/partition.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { aBatch, aLog } from '../../support/a-log.ts'
import { leaderParts } from '../../support/leader-parts.ts'
import { aPartition, withTopic } from '../controller/image-of.ts'

function imageOf(changes: Parameters<typeof aPartition>[0] = {}): PartitionImage {
  const [partition] = withTopic(emptyImage, 'topic', [changes]).topicsByName.get('topic')?.partitions ?? []
  if (partition === undefined) throw new Error('The image has no partition.')
  return partition
}

function topicSettings(overrides: Readonly<Record<string, string>>): TopicSettings {
  const loaded = loadBrokerSettings({ manifest: { 'node.id': '1' } })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  return topicSettingsFor(new Map(Object.entries(overrides)), loaded.settings)
}

/** The replica of broker 1, on a disk in memory, with a clock that stands and turns that end when the test says so. */
function aReplica(
  changes: Parameters<typeof aPartition>[0] = {},
  overrides: Readonly<Record<string, string>> = {},
) {
  const harness = aLog()
  const settings = topicSettings(overrides)
  const partition = new Partition({
    topic: 'topic',
    index: 0,
    topicId: zeroUuid,
    brokerId: 1,
    clock: harness.clock,
    turn: harness.turn,
    settings: () => settings,
    log: harness.log,
    state: imageOf(changes),
    leaderParts: leaderParts(harness.clock),
  })
  const outcomes: string[] = []
  return {
    ...harness,
    partition,
    outcomes,
    append: (acks: number, timeoutMs = 1000): ReturnType<Partition['append']> => {
      const outcome = partition.append(aBatch(1), { acks, origin: 'client' })
      if (outcome.kind !== 'refused') {
        partition.acknowledge(acks, outcome.lastOffset + 1, timeoutMs, settled => outcomes.push(settled))
      }
      return outcome
    },
  }
}

test('an append is acknowledged when it is written, at the end of its turn', () => {
  const { append, outcomes, partition, turn } = aReplica()
  for (const acks of [1, -1]) append(acks)
  expect(outcomes).toEqual([])
  expect(partition.log.highWatermark).toBe(0)
  turn.flush()
  expect(outcomes).toEqual(['NONE', 'NONE'])
  expect(partition.log.highWatermark).toBe(2)
})

test('acks=all waits for the other replicas in sync, acks=1 does not', () => {
  const { append, outcomes, partition, turn } = aReplica({ replicas: [1, 2], isr: [1, 2] })
  append(1)
  append(-1)
  turn.flush()
  expect(outcomes).toEqual(['NONE'])
  expect(partition.log.highWatermark).toBe(0)
  partition.apply(imageOf({ replicas: [1, 2], isr: [1], partitionEpoch: 1 }))
  turn.flush()
  expect(outcomes).toEqual(['NONE', 'NONE'])
})

test('who waits too long is told so; the record stays', () => {
  const { append, outcomes, partition, turn, clock } = aReplica({ replicas: [1, 2], isr: [1, 2] })
  append(-1, 500)
  turn.flush()
  clock.advance(499)
  expect(outcomes).toEqual([])
  clock.advance(1)
  expect(outcomes).toEqual(['REQUEST_TIMED_OUT'])
  expect(partition.log.logEndOffset).toBe(1)
})

test('with too few replicas in sync acks=all writes nothing, acks=1 does, and nothing is committed', () => {
  const few = { replicas: [1, 2, 3], isr: [1] }
  const { append, partition, turn } = aReplica(few, { 'min.insync.replicas': '2' })
  expect(append(-1)).toMatchObject({ kind: 'refused', error: 'NOT_ENOUGH_REPLICAS' })
  expect(append(1)).toMatchObject({ kind: 'appended', baseOffset: 0 })
  turn.flush()
  expect(partition.isUnderMinInsyncReplicas).toBe(true)
  expect(partition.log.highWatermark).toBe(0)
  partition.apply(imageOf({ ...few, replicas: [1], partitionEpoch: 1 }))
  expect(partition.log.highWatermark).toBe(1)
})

test('who has lost leadership writes no more, and those who wait are told', () => {
  const { append, outcomes, partition, turn } = aReplica({ replicas: [1, 2], isr: [1, 2] })
  append(-1)
  turn.flush()
  partition.apply(imageOf({ replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 1, partitionEpoch: 1 }))
  expect(outcomes).toEqual(['NOT_LEADER_OR_FOLLOWER'])
  expect(append(1)).toMatchObject({ kind: 'refused', error: 'NOT_LEADER_OR_FOLLOWER' })
  expect(partition.isLeader).toBe(false)
})

test('a new leader epoch begins where the log ends, a change of the replicas in sync begins none', () => {
  const { append, partition, turn } = aReplica({ leaderEpoch: 3 })
  append(1)
  turn.flush()
  partition.apply(imageOf({ leaderEpoch: 5, partitionEpoch: 1 }))
  const { leaderEpochs } = partition.log
  expect(leaderEpochs.endOffsetFor(3, 1)).toEqual({ epoch: 3, endOffset: 1 })
  expect(leaderEpochs.endOffsetFor(5, 1)).toEqual({ epoch: 5, endOffset: 1 })
  partition.apply(imageOf({ leaderEpoch: 5, partitionEpoch: 2, replicas: [1, 2] }))
  expect(leaderEpochs.endOffsetFor(5, 1)).toEqual({ epoch: 5, endOffset: 1 })
  expect(partition.hasCaughtUpWithEpoch).toBe(true)
})

test('a leader epoch in which nothing was written is forgotten by whoever loses it: the next leader never heard of it', () => {
  const { append, partition, turn } = aReplica({ replicas: [1, 2], isr: [1, 2] })
  append(1)
  turn.flush()
  partition.apply(imageOf({ replicas: [1, 2], isr: [1, 2], leaderEpoch: 4, partitionEpoch: 1 }))
  expect(partition.log.leaderEpochs.latestEpoch).toBe(4)
  partition.apply(imageOf({ replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 5, partitionEpoch: 2 }))
  expect(partition.log.leaderEpochs.latestEpoch).toBe(0)
})

test('a new leader has not caught up with its epoch before the others have what it has', () => {
  const { append, partition, turn } = aReplica({ replicas: [1, 2], isr: [1, 2] })
  append(1)
  turn.flush()
  partition.apply(imageOf({ replicas: [1, 2], isr: [1, 2], leaderEpoch: 1, partitionEpoch: 1 }))
  expect(partition.hasCaughtUpWithEpoch).toBe(false)
  partition.apply(imageOf({ replicas: [1, 2], isr: [1], leaderEpoch: 1, partitionEpoch: 2 }))
  expect(partition.hasCaughtUpWithEpoch).toBe(true)
})

test('when the disk fails everybody who waits is told, and nothing is led any more', () => {
  const { append, outcomes, partition, turn, disk } = aReplica()
  let woken = 0
  partition.watch({ partitionMoved: () => woken++ })
  disk.fail('write', { path: /\.log$/ })
  append(1)
  append(-1)
  turn.flush()
  expect(outcomes).toEqual(['KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR'])
  expect([partition.isLeader, partition.isOffline, woken]).toEqual([false, true, 1])
  expect(append(1)).toMatchObject({ kind: 'refused', error: 'KAFKA_STORAGE_ERROR' })
})

test('a full disk fails only those who wait for what it had no room for, and the replica goes on leading', () => {
  const { append, outcomes, partition, turn, disk } = aReplica({ replicas: [1, 2], isr: [1, 2] })
  append(-1)
  turn.flush()
  disk.capacityBytes = disk.usedBytes + 20
  append(-1)
  append(1)
  turn.flush()
  expect(outcomes).toEqual(['KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR'])
  expect([partition.isLeader, partition.isOffline, partition.log.nextOffset]).toEqual([true, false, 1])

  disk.capacityBytes = Number.POSITIVE_INFINITY
  expect(append(1)).toMatchObject({ kind: 'appended', baseOffset: 1 })
  turn.flush()
  expect(outcomes.at(-1)).toBe('NONE')
  partition.apply(imageOf({ replicas: [1, 2], isr: [1], partitionEpoch: 1 }))
  // The first one had waited on, and for its own record.
  expect([outcomes.length, partition.log.highWatermark]).toEqual([4, 2])
})

test('an epoch that began behind what was taken back begins where the log ends', () => {
  const { append, partition, turn, disk } = aReplica({ leaderEpoch: 3 })
  append(1)
  turn.flush()
  disk.capacityBytes = disk.usedBytes
  append(1)
  partition.apply(imageOf({ leaderEpoch: 4, partitionEpoch: 1 }))
  turn.flush()
  expect(partition.log.leaderEpochs.entries).toEqual([
    { epoch: 3, startOffset: 0 },
    { epoch: 4, startOffset: 1 },
  ])
  expect(partition.hasCaughtUpWithEpoch).toBe(true)
})

test('watchers are told once a turn, and not after they have gone', () => {
  const { append, partition, turn } = aReplica()
  let woken = 0
  const watcher = { partitionMoved: () => woken++ }
  partition.watch(watcher)
  append(1)
  append(1)
  turn.flush()
  expect(woken).toBe(1)
  partition.unwatch(watcher)
  append(1)
  turn.flush()
  expect(woken).toBe(1)
})

test('watchers are told when retention or a deletion of records has moved the log start', () => {
  const { append, partition, turn, log, clock, settings } = aReplica()
  for (let count = 0; count < 2; count++) append(1)
  turn.flush()
  let woken = 0
  partition.watch({ partitionMoved: () => woken++ })
  log.deleteRecordsBefore(1)
  turn.flush()
  expect([log.logStartOffset, woken]).toEqual([1, 1])
  log.deleteRecordsBefore(1)
  log.deleteOldSegments(clock.nowMs())
  turn.flush()
  expect(woken).toBe(1)
  settings['retention.bytes'] = 0
  log.deleteOldSegments(clock.nowMs())
  turn.flush()
  expect([log.logStartOffset, woken]).toEqual([2, 2])
})

test('a transaction that no coordinator vouches for is not begun by a client', () => {
  const { partition } = aReplica()
  const batch = () => aBatch(1, { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true })
  expect(partition.append(batch(), { acks: 1, origin: 'client' })).toMatchObject({
    error: 'INVALID_TXN_STATE',
  })
})
