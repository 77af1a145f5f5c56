import { describe, expect, test } from 'vitest'
import { decideLiveness } from '../../../broker/controller/broker-liveness.ts'
import { countLed, markStopping, moveOff } from '../../../broker/controller/prepare-to-stop.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { contextWith, imageAfter, withBroker, withMinInsyncReplicas, withTopic } from './image-of.ts'

const brokers = [1, 2, 3].reduce((image, id) => withBroker(image, id), emptyImage)
const image = withTopic(withMinInsyncReplicas(brokers, 2), 't', [
  { leader: 1, isr: [1, 2, 3], replicas: [1, 2, 3] },
  { leader: 2, isr: [1, 2], replicas: [1, 2] },
  { leader: 1, isr: [1], replicas: [1] },
  { leader: 3, isr: [2, 3], replicas: [2, 3] },
])

describe('a broker that is about to stop', () => {
  const marked = imageAfter(image, markStopping(image, 1))

  test('is marked once, in its registration only', () => {
    expect(marked.brokers.get(1)).toMatchObject({ stopping: true, fenced: false })
    expect(markStopping(marked, 1)).toEqual([])
    expect(withBroker(marked, 1).brokers.get(1)?.stopping).toBe(false)
  })

  test('leaves leaderships and in-sync sets, and keeps what nobody else can lead', () => {
    const changes = moveOff(marked, 1, contextWith())
    expect(changes).toMatchObject([
      { index: 0, partition: { leader: 2, leaderEpoch: 1, isr: [2, 3], elr: [] } },
      { index: 1, partition: { leader: 2, leaderEpoch: 0, isr: [2], elr: [1] } },
    ])
    expect(countLed(marked, 1)).toBe(2)
    expect(countLed(imageAfter(marked, changes), 1)).toBe(1)
  })

  test('does not hand over to another that is about to stop', () => {
    const both = imageAfter(marked, markStopping(marked, 2))
    const changes = moveOff(both, 1, contextWith())
    expect(changes).toMatchObject([
      { index: 0, partition: { leader: 3 } },
      { index: 1, partition: { leader: 2, isr: [2], elr: [1] } },
    ])
  })

  test('goes on to lead the rest until it is gone', () => {
    expect(decideLiveness(marked, contextWith()).partitions).toEqual([])
  })
})
