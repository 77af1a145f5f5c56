import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  journalledSteps,
  mostChanges,
  packItems,
  transactionFor,
} from '../../../broker/controller/transactions.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import type { MetadataChange } from '../../../broker/metadata/keys.ts'
import { mostOperations } from '../../../broker/metadata/metadata-store.ts'
import { aPartition, imageAfter, withTopic } from './image-of.ts'

const image = imageAfter(withTopic(emptyImage, 't', [{}, {}]), [
  { kind: 'config', type: 'topic', name: 't', overrides: new Map([['a', 'b']]) },
])

function partitionChange(index: number, topicId = 'id-t'): MetadataChange {
  return { kind: 'partition', topicId, index, partition: aPartition() }
}

describe('transactions of a controller', () => {
  test('compare the controller epoch and every key they write', () => {
    const transaction = transactionFor(image, 77, [
      partitionChange(1),
      partitionChange(2),
      { kind: 'topicName', name: 'new', topicId: 'x' },
      { kind: 'config', type: 'topic', name: 't', overrides: null },
      { kind: 'config', type: 'topic', name: 'u', overrides: new Map() },
      { kind: 'producerIds', next: 1000 },
    ])
    expect(transaction.compare).toEqual([
      { key: 'controller', createRevision: 77 },
      { key: 'partitions/id-t/1', modRevision: 1 },
      { key: 'partitions/id-t/2', modRevision: 0 },
      { key: 'topic-names/new', modRevision: 0 },
      { key: 'configs/topic/t', modRevision: 2 },
      { key: 'configs/topic/u', modRevision: 0 },
      { key: 'producer-ids', modRevision: 0 },
    ])
    expect(transaction.delete).toEqual(['configs/topic/t'])
    expect(transaction.put).toHaveLength(5)
  })

  test('a full transaction is within the limits of the store', () => {
    const changes = Array.from({ length: mostChanges }, (_, index) => partitionChange(index))
    const { compare, put } = transactionFor(image, 1, changes)
    expect(compare!.length).toBeLessThanOrEqual(mostOperations)
    expect(put!.length).toBeLessThanOrEqual(mostOperations)
  })

  test('items are packed in order, none parted, none too many', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: mostChanges }), { maxLength: 50 })
    fc.assert(
      fc.property(lengths, sizes => {
        const packed = packItems(
          sizes.map(length => Array.from({ length }, (_, index) => partitionChange(index))),
        )
        expect(packed.flat()).toEqual([...sizes.keys()])
        for (const places of packed) {
          const total = places.reduce((sum, at) => sum + sizes[at]!, 0)
          expect(total).toBeLessThanOrEqual(mostChanges)
        }
      }),
    )
  })

  test('an operation writes new partitions before, and deletes old ones after its commit point', () => {
    const header: MetadataChange = { kind: 'topic', topicId: 'n', topic: { name: 'n', partitions: 9 } }
    const growth = journalledSteps('op', [partitionChange(4, 'n'), partitionChange(8, 'n'), header], 'why')
    expect(growth.before).toHaveLength(2)
    expect(growth.commit).toEqual([header])
    expect(growth.openJournal).toMatchObject({ operation: { topicId: 'n', from: 4, to: 9, reason: 'why' } })
    expect(growth.closeJournal).toMatchObject({ operation: null })

    const gone: MetadataChange = { kind: 'partition', topicId: 'n', index: 0, partition: null }
    const deletion = journalledSteps('op', [{ kind: 'topic', topicId: 'n', topic: null }, gone], 'why')
    expect(deletion.before).toEqual([])
    expect(deletion.after).toEqual([gone])
  })
})
