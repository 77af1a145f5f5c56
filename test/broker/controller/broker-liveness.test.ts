import { describe, expect, test } from 'vitest'
import { decideLiveness } from '../../../broker/controller/broker-liveness.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import {
  contextWith,
  imageAfter,
  withBroker,
  withMinInsyncReplicas,
  withoutBroker,
  withTopic,
} from './image-of.ts'

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

  test('how a broker stopped decides whether it still is eligible', () => {
    const lost = withTopic(withMinInsyncReplicas(withBroker(emptyImage, 1), 1), 't', [{}])
    const before = withoutBroker(lost, 1)
    const gone = imageAfter(before, decideLiveness(before, contextWith()).partitions)
    const admitted = gone.brokerStates.get(1)!.admittedEpoch
    const partitionAfter = (registration: { previousEpoch?: number; incarnationId?: string }) =>
      decideLiveness(
        withBroker(gone, 1, { fenced: true, incarnationId: 'new', ...registration }),
        contextWith(),
      ).partitions
    expect(partitionAfter({ previousEpoch: admitted })).toMatchObject([
      { partition: { leader: 1, isr: [1], recovering: false } },
    ])
    expect(partitionAfter({ incarnationId: 'i1' })).toMatchObject([
      { partition: { leader: 1, isr: [1], recovering: false } },
    ])
    expect(partitionAfter({ previousEpoch: admitted - 1 })).toMatchObject([
      { partition: { leader: 1, isr: [1], recovering: true } },
    ])
  })

  test('a directory that its broker does not have any more counts as lost', () => {
    const broker = withBroker(withBroker(emptyImage, 1, { logDirectories: ['a', 'b'] }), 2)
    const image = withTopic(broker, 't', [
      { leader: 1, isr: [1, 2], replicas: [1, 2], directories: ['c', 'x'] },
      { leader: 1, isr: [1, 2], replicas: [1, 2], directories: ['b', 'AAAAAAAAAAAAAAAAAAAAAA'] },
    ])
    expect(decideLiveness(image, contextWith()).partitions).toMatchObject([
      { index: 0, partition: { leader: -1, isr: [1, 2] } },
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
