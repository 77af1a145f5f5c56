import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changePartition } from '../../../broker/controller/partition-change.ts'
import { viewOf } from '../../../broker/controller/partition-view.ts'
import { reassignPartition } from '../../../broker/controller/reassign-partitions.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataImage } from '../../../broker/metadata/image.ts'
import type { PartitionState } from '../../../broker/metadata/keys.ts'
import { contextWith, imageAfter, withBroker, withFeatures, withoutBroker, withTopic } from './image-of.ts'

const brokers = [1, 2, 3, 4, 5].reduce((image, id) => withBroker(image, id), withFeatures(emptyImage))

function imageWith(partition: Partial<PartitionState>, image = brokers): MetadataImage {
  return withTopic(image, 't', [{ leader: 1, isr: [1, 2], replicas: [1, 2], ...partition }])
}

function ask(
  image: MetadataImage,
  replicas: readonly number[] | null,
  { allows = true, electsUncleanly = false } = {},
) {
  const item = { topic: 't', partition: 0, replicas }
  const context = contextWith({ electsUncleanly: () => electsUncleanly })
  const { changes, result } = reassignPartition(
    image,
    item,
    { allowsReplicationFactorChange: allows },
    context,
  )
  const [change] = changes
  const state = change?.kind === 'partition' ? change.partition : undefined
  return { ...result, state, after: imageAfter(image, changes) }
}

function inSync(image: MetadataImage, isr: readonly number[]): MetadataImage {
  const topic = image.topicsByName.get('t')!
  const before = topic.partitions[0]!
  const partition = changePartition(before, { isr }, viewOf(image, topic, contextWith())(before))
  if (partition === null) return image
  return imageAfter(image, [{ kind: 'partition', topicId: topic.id, index: 0, partition }])
}

function stateIn(image: MetadataImage) {
  return image.topicsByName.get('t')!.partitions[0]!
}

describe('a reassignment', () => {
  test('adds first, and removes when all wanted replicas are in sync', () => {
    const { state, after } = ask(imageWith({}), [3, 2])
    expect(state).toMatchObject({
      leader: 1,
      leaderEpoch: 0,
      isr: [1, 2],
      replicas: [3, 2, 1],
      adding: [3],
      removing: [1],
    })
    expect(stateIn(inSync(after, [1, 2, 3]))).toMatchObject({
      leader: 3,
      leaderEpoch: 1,
      isr: [2, 3],
      replicas: [3, 2],
      adding: [],
      removing: [],
    })
  })

  test('is done at once where nothing has to be copied', () => {
    expect(ask(imageWith({ replicas: [1, 2, 3] }), [2, 1]).state).toMatchObject({
      leader: 1,
      leaderEpoch: 1,
      replicas: [2, 1],
      isr: [1, 2],
      adding: [],
      removing: [],
    })
    expect(ask(imageWith({}), [2, 1]).state).toMatchObject({ leader: 1, leaderEpoch: 0, replicas: [2, 1] })
    expect(ask(imageWith({}), [1, 2])).toMatchObject({ error: 'NONE', state: undefined })
  })

  test('raises and lowers the replication factor, unless the request forbids it', () => {
    expect(ask(imageWith({}), [1, 2, 3]).state).toMatchObject({
      replicas: [1, 2, 3],
      adding: [3],
      removing: [],
    })
    const refused = ask(imageWith({}), [1, 2, 3], { allows: false })
    expect(refused).toMatchObject({ error: 'INVALID_REPLICATION_FACTOR', state: undefined })
    expect(refused.message).toContain('from 2 to 3')
    const running = ask(imageWith({}), [3, 4]).after
    expect(ask(running, [3, 5], { allows: false }).error).toBe('NONE')
  })

  test('another one takes the place of one that runs; what nobody wants any more goes at once', () => {
    const running = ask(imageWith({}), [3, 4]).after
    const { state } = ask(inSync(running, [1, 2, 3]), [5, 4])
    expect(state).toMatchObject({
      replicas: [5, 4, 1, 2],
      adding: [4, 5],
      removing: [1, 2],
      isr: [1, 2],
      leader: 1,
    })
  })

  test('what nobody wants any more stays while it alone is in sync', () => {
    const running = ask(imageWith({}), [3, 2]).after
    const alone = inSync(withoutBroker(withoutBroker(running, 1), 2), [3])
    const { state, after } = ask(alone, [4, 5])
    expect(state).toMatchObject({ leader: 3, isr: [3], replicas: [4, 5, 3, 2, 1], adding: [3, 4, 5] })
    expect(stateIn(inSync(after, [3, 4, 5]))).toMatchObject({ leader: 4, isr: [4, 5], replicas: [4, 5] })
  })

  test('is cancelled back to the old replicas', () => {
    const running = inSync(ask(imageWith({}), [3, 2]).after, [1, 2])
    expect(ask(running, null).state).toMatchObject({
      leader: 1,
      replicas: [2, 1],
      isr: [1, 2],
      adding: [],
      removing: [],
    })
    expect(ask(imageWith({}), null).error).toBe('NO_REASSIGNMENT_IN_PROGRESS')
  })

  test('is not cancelled when that would lose records, unless the topic elects uncleanly', () => {
    const moving = { leader: 3, isr: [3], replicas: [3, 2, 1], adding: [3], removing: [1] }
    expect(ask(imageWith(moving), null)).toMatchObject({
      error: 'INVALID_REPLICA_ASSIGNMENT',
      state: undefined,
    })
    expect(ask(imageWith(moving), null, { electsUncleanly: true }).state).toMatchObject({
      leader: 2,
      isr: [2],
      replicas: [2, 1],
      recovering: true,
    })
  })

  test.each([
    ['nobody', [], 'is empty'],
    ['a broker twice', [1, 3, 3], 'broker 3 more than once'],
    ['an unknown broker', [1, 9], 'broker 9, but no such broker is registered'],
    ['a broker that is away', [1, 3], 'broker 3, which is fenced, stopping or away'],
    ['a broker that is about to stop', [1, 4], 'broker 4, which is fenced, stopping or away'],
    ['a cordoned broker', [1, 5], 'broker 5, which is cordoned'],
  ])('to %s is refused', (_, replicas, message) => {
    const world = withBroker(withBroker(withoutBroker(brokers, 3), 4, { stopping: true }), 5, {
      cordoned: true,
    })
    const refused = ask(imageWith({}, world), replicas)
    expect(refused).toMatchObject({ error: 'INVALID_REPLICA_ASSIGNMENT', state: undefined })
    expect(refused.message).toContain(message)
  })

  test('a broker that has a replica already may be away, or cordoned', () => {
    const world = withBroker(withoutBroker(brokers, 2), 1, { cordoned: true })
    expect(ask(imageWith({}, world), [1, 2, 3]).error).toBe('NONE')
  })

  test('of what does not exist is refused', () => {
    const of = (topic: string, partition: number) =>
      reassignPartition(
        imageWith({}),
        { topic, partition, replicas: [1] },
        { allowsReplicationFactorChange: true },
        contextWith(),
      ).result.error
    expect([of('x', 0), of('t', 1)]).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'])
  })

  test('whatever is asked meanwhile: someone in sync stays, and it ends with what was asked last', () => {
    const some = fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 1 })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.option(some), some), { maxLength: 8 }), some, (steps, last) => {
        let image = imageWith({})
        for (const [wanted, caughtUp] of [...steps, [last, last] as const]) {
          const before = stateIn(image)
          const asked = ask(image, wanted)
          image = asked.after
          const { isr, leader, replicas, adding } = stateIn(image)
          expect(isr.length).toBeGreaterThan(0)
          expect(isr.every(id => before.isr.includes(id))).toBe(true)
          expect(isr).toContain(leader)
          expect(adding.every(id => replicas.includes(id))).toBe(true)
          image = inSync(
            image,
            replicas.filter(id => isr.includes(id) || caughtUp.includes(id)),
          )
        }
        expect(stateIn(image)).toMatchObject({ replicas: last, adding: [], removing: [] })
      }),
    )
  })
})
