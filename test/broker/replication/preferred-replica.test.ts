import { expect, test } from 'vitest'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import { type FollowerProgress, unknownProgress } from '../../../broker/replication/follower-progress.ts'
import { preferredReplica } from '../../../broker/replication/preferred-replica.ts'
import { aPartition, imageAfter, withBroker } from '../controller/image-of.ts'

function inRack(image: MetadataImage, id: number, rack: string, listener = 'PLAINTEXT'): MetadataImage {
  const added = withBroker(image, id, { rack })
  const broker = added.brokers.get(id)!
  const listeners = [
    { name: listener, host: 'localhost', port: 9092, securityProtocol: 'PLAINTEXT' as const },
  ]
  return { ...added, brokers: new Map([...added.brokers, [id, { ...broker, listeners }]]) }
}

function at(endOffset: number, logStartOffset = 0): FollowerProgress {
  return { ...unknownProgress(true, 0), endOffset, logStartOffset }
}

/** Broker 1 leads in rack a; 2 and 3 are in rack b, 4 in rack c, where it does not listen for clients. */
const image = [
  [1, 'a'],
  [2, 'b'],
  [3, 'b'],
].reduce((made, [id, rack]) => inRack(made, Number(id), String(rack)), inRack(emptyImage, 4, 'c', 'INTERNAL'))

function chosen(
  rackId: string,
  fetchOffset: number,
  followers: Readonly<Record<number, FollowerProgress>>,
  isr: readonly number[] = [1, 2, 3, 4],
): number {
  const partition = {
    state: { ...aPartition({ leader: 1, replicas: [1, 2, 3, 4] }), modRevision: 1 },
    followers: new Map(Object.entries(followers).map(([id, progress]) => [Number(id), progress])),
    isr,
  }
  return preferredReplica(partition, image, { rackId, listenerName: 'PLAINTEXT', fetchOffset })
}

test('a consumer in the rack of the leader, or of nobody, stays with the leader', () => {
  expect(chosen('a', 5, { 2: at(10) })).toBe(-1)
  expect(chosen('z', 5, { 2: at(10) })).toBe(-1)
})

test('the replica in the rack that is furthest is preferred', () => {
  expect(chosen('b', 5, { 2: at(10), 3: at(9) })).toBe(2)
  expect(chosen('b', 5, { 2: at(8), 3: at(9) })).toBe(3)
})

test('it must be in sync, have the offset, and listen where the consumer came in', () => {
  expect(chosen('b', 5, { 2: at(10), 3: at(9) }, [1, 3])).toBe(3)
  expect(chosen('b', 9, { 2: at(8), 3: at(9) })).toBe(3)
  expect(chosen('b', 5, { 2: at(10, 6), 3: at(9, 5) })).toBe(3)
  expect(chosen('b', 12, { 2: at(10), 3: at(9) })).toBe(-1)
  expect(chosen('c', 5, { 4: at(10) })).toBe(-1)
})

test('one that is away is not preferred', () => {
  const gone = imageAfter(image, [{ kind: 'broker', id: 2, registration: null }])
  const partition = {
    state: { ...aPartition({ leader: 1, replicas: [1, 2] }), modRevision: 1 },
    followers: new Map([[2, at(10)]]),
    isr: [1, 2],
  }
  const asked = { rackId: 'b', listenerName: 'PLAINTEXT', fetchOffset: 5 }
  expect([preferredReplica(partition, image, asked), preferredReplica(partition, gone, asked)]).toEqual([
    2, -1,
  ])
})
