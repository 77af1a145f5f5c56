import { describe, expect, test } from 'vitest'
import { decideLiveness } from '../../../broker/controller/broker-liveness.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { contextWith, imageAfter, withBroker, withoutBroker, withTopic } from './image-of.ts'

describe('brokers that come and go', () => {
  test('a new registration moves its partitions on and is let in after them', () => {
    const before = withTopic(withBroker(emptyImage, 1), 't', [{}, {}])
    const image = withBroker(withoutBroker(before, 1), 1, { fenced: true, rack: 'a' })
    const { partitions, admissions } = decideLiveness(image, contextWith())
    expect(partitions).toHaveLength(2)
    expect(admissions).toMatchObject([
      {
        kind: 'brokerState',
        id: 1,
        state: { admittedEpoch: image.brokers.get(1)?.epoch, rack: 'a', cleanStopEpoch: -1 },
      },
    ])
    const after = imageAfter(imageAfter(image, partitions), admissions)
    expect(after.topicsByName.get('t')?.partitions.map(one => [one.leader, one.leaderEpoch])).toEqual([
      [1, 1],
      [1, 1],
    ])
    expect(after.brokers.get(1)?.fenced).toBe(false)
    expect(decideLiveness(after, contextWith())).toEqual({ partitions: [], admissions: [] })
  })

  test('a broker that is gone leaves leaderships and in-sync sets', () => {
    const both = withBroker(withBroker(emptyImage, 1), 2)
    const image = withoutBroker(
      withTopic(both, 't', [
        { leader: 1, isr: [1, 2], replicas: [1, 2] },
        { leader: 2, isr: [2], replicas: [2] },
      ]),
      2,
    )
    const { partitions, admissions } = decideLiveness(image, contextWith())
    expect(admissions).toEqual([])
    expect(partitions).toMatchObject([
      { index: 0, partition: { leader: 1, isr: [1], leaderEpoch: 0 } },
      { index: 1, partition: { leader: -1, isr: [2], leaderEpoch: 1 } },
    ])
  })

  test('unclean election is asked for topic by topic', () => {
    const one = withBroker(emptyImage, 1)
    const lost = { leader: -1, isr: [2], replicas: [2, 1] }
    const image = withTopic(withTopic(one, 'safe', [lost]), 'loose', [lost])
    const { partitions } = decideLiveness(image, contextWith({ electsUncleanly: topic => topic === 'loose' }))
    expect(partitions).toMatchObject([{ topicId: 'id-loose', partition: { leader: 1, recovering: true } }])
  })
})
