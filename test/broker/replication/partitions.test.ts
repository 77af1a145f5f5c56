import { expect, test } from 'vitest'
import { loadBrokerSettings } from '../../../broker/config/load-settings.ts'
import { topicSettingsFor } from '../../../broker/config/topic-settings.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import type { PartitionState } from '../../../broker/metadata/keys.ts'
import { Partitions } from '../../../broker/replication/partitions.ts'
import { uuidFromBytes } from '../../../protocol/index.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { openLogs } from '../../support/broker-logs.ts'
import type { FakeDisk } from '../../support/fake-disk.ts'
import { leaderParts } from '../../support/leader-parts.ts'
import { aPartition, imageAfter } from '../controller/image-of.ts'

const firstId = uuidFromBytes(Buffer.alloc(16, 1))
const secondId = uuidFromBytes(Buffer.alloc(16, 2))

function withTopic(
  image: MetadataImage,
  topicId: string,
  partitions: readonly Partial<PartitionState>[],
  name = 'topic',
): MetadataImage {
  return imageAfter(image, [
    ...partitions.map((partition, index) => ({
      kind: 'partition' as const,
      topicId,
      index,
      partition: aPartition(partition),
    })),
    { kind: 'topic', topicId, topic: { name, partitions: partitions.length } },
  ])
}

function withoutTopic(image: MetadataImage, topicId: string, partitions: number): MetadataImage {
  return imageAfter(image, [
    { kind: 'topic', topicId, topic: null },
    ...Array.from({ length: partitions }, (_, index) => ({
      kind: 'partition' as const,
      topicId,
      index,
      partition: null,
    })),
  ])
}

/** The replicas of broker 1. */
async function started(image: MetadataImage, disk?: FakeDisk) {
  const harness = await openLogs(disk === undefined ? {} : { disk })
  const loaded = loadBrokerSettings({ manifest: { 'node.id': '1' } })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  const settings = topicSettingsFor(new Map(), loaded.settings)
  const { clock, turn, logs } = harness
  const partitions = new Partitions({
    brokerId: 1,
    clock,
    turn,
    logs,
    logger: silentLogger,
    topicSettings: () => settings,
    leaderParts: leaderParts(clock),
    followers: { update: () => undefined, remove: () => undefined },
  })
  partitions.start(image)
  let current = image
  return {
    ...harness,
    partitions,
    apply: (next: MetadataImage): void => {
      partitions.apply(next, current, new Set([...current.topicsById.keys(), ...next.topicsById.keys()]))
      current = next
    },
  }
}

test('replicas that live here are opened, those of others are not', async () => {
  const image = withTopic(emptyImage, firstId, [
    {},
    { leader: 2, replicas: [2, 1], isr: [2, 1] },
    { leader: 2, replicas: [2], isr: [2] },
  ])
  const { partitions, logs } = await started(image)
  expect(partitions.size).toBe(2)
  expect(partitions.get('topic', 0)?.isLeader).toBe(true)
  expect(partitions.leader('topic', 0)).toBe(partitions.get('topic', 0))
  expect(partitions.leader('topic', 1)).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(partitions.leader('topic', 2)).toBe('NOT_LEADER_OR_FOLLOWER')
  for (const [topic, index] of [
    ['topic', 3],
    ['topic', -1],
    ['unknown', 0],
    ['__proto__', 0],
  ] as const) {
    expect(partitions.leader(topic, index)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  }
  expect([partitions.topicName(firstId), partitions.topicName(secondId)]).toEqual(['topic', undefined])
  expect([...logs.all()]).toHaveLength(2)
})

test('roles change with the image, and a replica that moves away goes', async () => {
  const image = withTopic(emptyImage, firstId, [{ replicas: [1, 2], isr: [1, 2] }])
  const { partitions, apply, logs } = await started(image)
  const replica = partitions.get('topic', 0)
  apply(withTopic(image, firstId, [{ replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 1 }]))
  expect(partitions.get('topic', 0)).toBe(replica)
  expect(partitions.leader('topic', 0)).toBe('NOT_LEADER_OR_FOLLOWER')
  apply(withTopic(image, firstId, [{ replicas: [2], isr: [2], leader: 2, leaderEpoch: 1 }]))
  expect([partitions.size, [...logs.all()].length]).toEqual([0, 0])
  expect(partitions.leader('topic', 0)).toBe('NOT_LEADER_OR_FOLLOWER')
})

test('a topic that was made again has new, empty replicas, also when both changes come at once', async () => {
  const image = withTopic(emptyImage, firstId, [{}, {}])
  const { partitions, apply, append } = await started(image)
  append(partitions.get('topic', 0)!.log, 3)
  apply(withTopic(withoutTopic(image, firstId, 2), secondId, [{}]))
  expect(partitions.size).toBe(1)
  expect(partitions.get('topic', 0)).toMatchObject({ topicId: secondId, isLeader: true })
  expect(partitions.get('topic', 0)?.log.logEndOffset).toBe(0)
  expect(partitions.leader('topic', 1)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

test('what was deleted or made again while the broker was down is put aside, the rest is kept', async () => {
  const image = withTopic(withTopic(emptyImage, firstId, [{}]), secondId, [{}], 'other')
  const first = await started(image)
  first.append(first.partitions.get('topic', 0)!.log, 2)
  first.append(first.partitions.get('other', 0)!.log, 2)
  await first.logs.close()
  first.disk.kill()
  const thirdId = uuidFromBytes(Buffer.alloc(16, 3))
  const meanwhile = withTopic(withoutTopic(image, firstId, 1), thirdId, [{}])
  const second = await started(meanwhile, first.disk)
  expect(second.partitions.get('topic', 0)?.log.logEndOffset).toBe(0)
  expect(second.partitions.get('other', 0)?.log.logEndOffset).toBe(2)
})

test('a replica without a log says that the storage has failed, not that it is unknown', async () => {
  const { partitions, apply, disk } = await started(emptyImage)
  disk.fail('makeDirectory', { path: /topic/ })
  disk.fail('open', { path: /topic/ })
  apply(withTopic(emptyImage, firstId, [{}]))
  expect(partitions.leader('topic', 0)).toBe('KAFKA_STORAGE_ERROR')
  expect(partitions.size).toBe(0)
})

test('when the broker goes down nothing is led any more', async () => {
  const { partitions } = await started(withTopic(emptyImage, firstId, [{}, {}]))
  partitions.close()
  expect([...partitions.all()].map(({ isLeader }) => isLeader)).toEqual([false, false])
})
