import { describe, expect, test } from 'vitest'
import { assignDirectory } from '../../../broker/controller/assign-directories.ts'
import { decideLiveness } from '../../../broker/controller/broker-liveness.ts'
import { newPartition } from '../../../broker/controller/replica-assignment.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import type { PartitionState } from '../../../broker/metadata/keys.ts'
import { zeroUuid } from '../../../protocol/index.ts'
import { contextWith, imageAfter, withBroker, withFeatures, withTopic } from './image-of.ts'

const brokers = withBroker(withBroker(withFeatures(emptyImage), 1, { logDirectories: ['a', 'b'] }), 2, {
  logDirectories: ['c'],
})

function imageWith(partition: Partial<PartitionState>): MetadataImage {
  return withTopic(brokers, 't', [{ leader: 1, isr: [1, 2], replicas: [1, 2], ...partition }])
}

function assign(image: MetadataImage, directory: string, brokerId = 1) {
  const item = { topicId: 'id-t', partitionIndex: 0, directory }
  const command = { brokerId, brokerEpoch: -1, assignments: [item], timeoutMs: 1000 }
  const { changes, result } = assignDirectory(image, command, item, contextWith())
  const after = imageAfter(image, changes).topicsById.get('id-t')!.partitions[0]!
  return { error: result.error, changes: changes.length, after }
}

describe('the directories of replicas', () => {
  test('are known from the start where a broker has one, and told by brokers that have several', () => {
    expect(newPartition(brokers, [1, 2]).directories).toEqual([zeroUuid, 'c'])
    expect(assign(imageWith({}), 'b').after).toMatchObject({
      directories: ['b', zeroUuid],
      isr: [1, 2],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 1,
    })
  })

  test('may change while the broker has both', () => {
    const { after } = assign(imageWith({ directories: ['a', 'c'] }), 'b')
    expect(after).toMatchObject({ directories: ['b', 'c'], isr: [1, 2], leader: 1 })
    expect(assign(imageWith({ directories: ['b', 'c'] }), 'b').changes).toBe(0)
  })

  test('when the one before is gone, so are its records: others lead', () => {
    const { after } = assign(imageWith({ directories: ['lost', 'c'] }), 'a')
    expect(after).toMatchObject({ directories: ['a', 'c'], leader: 2, isr: [2], elr: [] })
  })

  test('the last replica in sync that comes back with an empty disk does not lead', () => {
    const single = withTopic(brokers, 't', [{ leader: 2, isr: [2], replicas: [2], directories: ['lost'] }])
    const [change] = decideLiveness(single, contextWith()).partitions
    expect(change).toMatchObject({ partition: { leader: -1, isr: [], elr: [2], lastKnownLeader: 2 } })
    const { after } = assign(imageAfter(single, [change!]), 'c', 2)
    expect(after).toMatchObject({ leader: -1, isr: [], elr: [], lastKnownLeader: -1, directories: ['c'] })
  })

  test('what makes no sense is refused', () => {
    expect(assign(imageWith({}), 'z').error).toBe('INVALID_REQUEST')
    expect(assign(imageWith({ replicas: [2], isr: [2], leader: 2 }), 'a').error).toBe(
      'NOT_LEADER_OR_FOLLOWER',
    )
    expect(assign(imageWith({}), 'a', 9).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })
})
