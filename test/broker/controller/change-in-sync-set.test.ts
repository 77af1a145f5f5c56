import { describe, expect, test } from 'vitest'
import { changeInSyncSet, checkSender } from '../../../broker/controller/change-in-sync-set.ts'
import type { NewInSyncSet } from '../../../broker/controller/controller-client.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { PartitionState } from '../../../broker/metadata/keys.ts'
import {
  contextWith,
  imageAfter,
  withBroker,
  withMinInsyncReplicas,
  withoutBroker,
  withTopic,
} from './image-of.ts'

const brokers = [1, 2, 3].reduce((image, id) => withBroker(image, id), emptyImage)
const epochOf = (id: number): number => brokers.brokers.get(id)!.epoch

function imageWith(partition: Partial<PartitionState> = {}): ReturnType<typeof withTopic> {
  return withTopic(brokers, 't', [
    { leader: 1, isr: [1, 2], replicas: [1, 2, 3], leaderEpoch: 4, partitionEpoch: 6, ...partition },
  ])
}

function request(isr: readonly number[], changes: Partial<NewInSyncSet> = {}): NewInSyncSet {
  const newIsr = isr.map(brokerId => ({ brokerId, brokerEpoch: brokers.brokers.get(brokerId)?.epoch ?? -1 }))
  return {
    topicId: 'id-t',
    partitionIndex: 0,
    leaderEpoch: 4,
    partitionEpoch: 6,
    newIsr,
    recovering: false,
    ...changes,
  }
}

function errorOf(item: NewInSyncSet, image = imageWith(), sender = 1): string {
  const { changes, result } = changeInSyncSet(image, sender, item, contextWith())
  if (result.error !== 'NONE') expect(changes).toEqual([])
  return result.error
}

describe('a leader asks for another in-sync set', () => {
  test('members join and leave; the partition epoch grows, the leader epoch stays', () => {
    const { changes, result } = changeInSyncSet(imageWith(), 1, request([1, 3]), contextWith())
    expect(result).toMatchObject({ error: 'NONE', leader: 1, leaderEpoch: 4, isr: [1, 3], partitionEpoch: 7 })
    const after = imageAfter(imageWith(), changes)
    expect(after.topicsById.get('id-t')?.partitions[0]).toMatchObject({
      isr: [1, 3],
      leaderEpoch: 4,
      partitionEpoch: 7,
    })
  })

  test.each([
    ['an unknown topic', request([1], { topicId: 'id-x' }), 'UNKNOWN_TOPIC_ID'],
    ['an unknown partition', request([1], { partitionIndex: 9 }), 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a newer leader epoch', request([1], { leaderEpoch: 5 }), 'NOT_CONTROLLER'],
    ['a newer partition epoch', request([1], { partitionEpoch: 7 }), 'NOT_CONTROLLER'],
    ['an older leader epoch', request([1], { leaderEpoch: 3 }), 'FENCED_LEADER_EPOCH'],
    ['an older partition epoch', request([1], { partitionEpoch: 5 }), 'INVALID_UPDATE_VERSION'],
    ['nobody', request([]), 'INVALID_REQUEST'],
    ['a set without the leader', request([2]), 'INVALID_REQUEST'],
    ['a broker that has no replica', request([1, 4]), 'INVALID_REQUEST'],
    ['a member twice', request([1, 2, 2]), 'INVALID_REQUEST'],
    ['recovery after it ended', request([1], { recovering: true }), 'INVALID_REQUEST'],
  ] as const)('%s is refused', (_, item, error) => {
    expect(errorOf(item)).toBe(error)
  })

  test('only the leader is heard', () => {
    expect(errorOf(request([1, 2]), imageWith(), 2)).toBe('INVALID_REQUEST')
  })

  test('a replica whose directory has failed cannot join; one that is to leave for it holds up nobody', () => {
    const directories = ['a', 'b', 'c']
    const image = (isr: number[]) =>
      withTopic(withBroker(brokers, 3, { logDirectories: ['other'] }), 't', [
        { leader: 1, isr, replicas: [1, 2, 3], leaderEpoch: 4, partitionEpoch: 6, directories },
      ])
    const newIsr = [1, 2, 3].map(brokerId => ({ brokerId, brokerEpoch: -1 }))
    const two = withBroker(withBroker(image([1, 2]), 1, { logDirectories: ['a'] }), 2, {
      logDirectories: ['b'],
    })
    expect(errorOf({ ...request([]), newIsr }, two)).toBe('INELIGIBLE_REPLICA')
    expect(errorOf({ ...request([]), newIsr: newIsr.slice(0, 2) }, two)).toBe('NONE')
    const three = withBroker(withBroker(image([1, 3]), 1, { logDirectories: ['a'] }), 2, {
      logDirectories: ['b'],
    })
    expect(errorOf({ ...request([]), newIsr }, three)).toBe('NONE')
  })

  test('a member that is away, fenced, or registered anew since cannot join', () => {
    expect(errorOf(request([1, 3]), withoutBroker(imageWith(), 3))).toBe('INELIGIBLE_REPLICA')
    const renewed = withBroker(withoutBroker(imageWith(), 3), 3)
    expect(errorOf(request([1, 3]), renewed)).toBe('INELIGIBLE_REPLICA')
    expect(errorOf(request([1, 3]), withBroker(withoutBroker(imageWith(), 3), 3, { fenced: true }))).toBe(
      'INELIGIBLE_REPLICA',
    )
    const unchecked = {
      ...request([1]),
      newIsr: [
        { brokerId: 1, brokerEpoch: -1 },
        { brokerId: 3, brokerEpoch: -1 },
      ],
    }
    expect(errorOf(unchecked, renewed)).toBe('NONE')
  })

  test('a recovering leader is alone, and ends its recovery itself', () => {
    const image = imageWith({ isr: [1], recovering: true })
    expect(errorOf(request([1, 2], { recovering: true }), image)).toBe('INVALID_REQUEST')
    const { result } = changeInSyncSet(image, 1, request([1, 2]), contextWith())
    expect(result).toMatchObject({ error: 'NONE', recovering: false, isr: [1, 2] })
  })

  test('a member that is about to stop cannot join, and does not hold up others while it is in', () => {
    const stopping = withBroker(imageWith(), 3, { stopping: true })
    const epochs = request([1, 2, 3]).newIsr.map(member => ({ ...member, brokerEpoch: -1 }))
    expect(errorOf({ ...request([1, 2, 3]), newIsr: epochs }, stopping)).toBe('INELIGIBLE_REPLICA')
    const inSync = withBroker(imageWith({ isr: [1, 3] }), 3, { stopping: true })
    expect(errorOf({ ...request([1, 2, 3]), newIsr: epochs }, inSync)).toBe('NONE')
  })

  test('a member that leaves below min.insync.replicas stays eligible, until enough are in sync again', () => {
    const image = withMinInsyncReplicas(imageWith(), 2)
    const smaller = changeInSyncSet(image, 1, request([1]), contextWith())
    expect(smaller.changes).toMatchObject([{ partition: { isr: [1], elr: [2] } }])
    const alone = imageAfter(image, smaller.changes)
    const again = changeInSyncSet(alone, 1, request([1, 3], { partitionEpoch: 7 }), contextWith())
    expect(again.changes).toMatchObject([{ partition: { isr: [1, 3], elr: [] } }])
  })

  test('the set that a reassignment waited for finishes it', () => {
    const image = imageWith({ replicas: [2, 3, 1], adding: [3], removing: [1], leader: 1, isr: [1, 2] })
    const { changes, result } = changeInSyncSet(image, 1, request([1, 2, 3]), contextWith())
    expect(changes).toMatchObject([
      { partition: { leader: 2, leaderEpoch: 5, isr: [2, 3], replicas: [2, 3], adding: [], removing: [] } },
    ])
    expect(result).toMatchObject({ error: 'NEW_LEADER_ELECTED', leader: 2, leaderEpoch: 5, isr: [2, 3] })
  })

  test('what is so already is not written again', () => {
    const { changes, result } = changeInSyncSet(imageWith(), 1, request([1, 2]), contextWith())
    expect(changes).toEqual([])
    expect(result).toMatchObject({ error: 'NONE', isr: [1, 2], partitionEpoch: 6 })
  })

  test('a sender that is not registered, or was registered anew, is refused as a whole', () => {
    expect(checkSender(brokers, { brokerId: 1, brokerEpoch: epochOf(1) }).error).toBe('NONE')
    expect(checkSender(brokers, { brokerId: 1, brokerEpoch: 0 }).error).toBe('STALE_BROKER_EPOCH')
    expect(checkSender(brokers, { brokerId: 9, brokerEpoch: 0 }).error).toBe('BROKER_ID_NOT_REGISTERED')
  })
})
