import { describe, expect, test } from 'vitest'
import { eligibleBeforeConfigs } from '../../../broker/controller/min-insync-change.ts'
import { minInsyncReplicasOf } from '../../../broker/controller/partition-view.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataChange } from '../../../broker/metadata/keys.ts'
import { contextWith, withBroker, withMinInsyncReplicas, withTopic } from './image-of.ts'

const brokers = [1, 2, 3].reduce((image, id) => withBroker(image, id), emptyImage)
const image = withTopic(withMinInsyncReplicas(brokers, 3), 't', [
  { leader: 1, isr: [1, 2], elr: [3], replicas: [1, 2, 3] },
  { leader: 1, isr: [1], elr: [3, 2], replicas: [1, 2, 3] },
  { leader: 1, isr: [1, 2, 3], replicas: [1, 2, 3] },
])

function setting(type: 'topic' | 'broker', name: string, value: string): MetadataChange {
  return { kind: 'config', type, name, overrides: new Map([['min.insync.replicas', value]]) }
}

describe('another min.insync.replicas', () => {
  test.each([
    ['the cluster', setting('broker', '', '2')],
    ['the topic', setting('topic', 't', '2')],
  ])('for %s: where enough are in sync by it, nobody else stays eligible', (_, change) => {
    expect(eligibleBeforeConfigs(image, [change], contextWith())).toMatchObject([
      { index: 0, partition: { isr: [1, 2], elr: [] } },
    ])
  })

  test('a larger one, or one of another topic, changes nothing', () => {
    expect(eligibleBeforeConfigs(image, [setting('topic', 't', '4')], contextWith())).toEqual([])
    expect(eligibleBeforeConfigs(image, [setting('topic', 'u', '1')], contextWith())).toEqual([])
  })

  test('where neither topic nor cluster says it, the smallest that a broker was started with counts', () => {
    const mixed = withBroker(withBroker(brokers, 1, { minInsyncReplicas: 3 }), 2, { minInsyncReplicas: 2 })
    expect(minInsyncReplicasOf(withBroker(mixed, 3, { minInsyncReplicas: 3 }), 't')).toBe(2)
    expect(minInsyncReplicasOf(withMinInsyncReplicas(mixed, 5), 't')).toBe(5)
    expect(minInsyncReplicasOf(emptyImage, 't')).toBe(1)
  })
})
