import { expect, test } from 'vitest'
import { segmentFileName } from '../../../broker/log/file-names.ts'
import { readNewestProducerSnapshot, writeProducerSnapshot } from '../../../broker/log/producer-snapshots.ts'
import { ProducerState } from '../../../broker/log/producer-state.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

function stateOf(producerId: number): ProducerState {
  const state = new ProducerState()
  const draft = state.draft({ origin: 'client', nowMs: 0 })
  draft.add(
    {
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
      lastOffsetDelta: 0,
      maxTimestamp: 0,
      isTransactional: false,
    },
    0,
  )
  draft.takeOver()
  return state
}

function threeSnapshots(): FakeDisk {
  const disk = new FakeDisk()
  disk.makeDirectory('/log')
  for (const offset of [10, 20, 30]) writeProducerSnapshot(disk, '/log', offset, stateOf(offset))
  return disk
}

const offsets = [10, 20, 30]

test('the newest that is not beyond the end is used', () => {
  const disk = threeSnapshots()
  expect(readNewestProducerSnapshot(disk, '/log', offsets)?.offset).toBe(30)
  expect(readNewestProducerSnapshot(disk, '/log', offsets, 29)?.offset).toBe(20)
  expect(readNewestProducerSnapshot(disk, '/log', offsets, 9)).toBeUndefined()
  expect(readNewestProducerSnapshot(disk, '/log', [])).toBeUndefined()
})

test('a damaged one is removed, and the next older one is used', () => {
  const disk = threeSnapshots()
  const path = `/log/${segmentFileName(30, 'snapshot')}`
  disk.poke(path, disk.peek(path).subarray(0, 20))
  const found = readNewestProducerSnapshot(disk, '/log', offsets)
  expect(found?.offset).toBe(20)
  expect(found?.entries.map(({ producerId }) => producerId)).toEqual([20])
  expect(disk.paths()).not.toContain(path)
})
