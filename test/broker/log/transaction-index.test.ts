import { describe, expect, test } from 'vitest'
import {
  DamagedTransactionIndex,
  encodeTransactionIndex,
  isWholeTransactionIndex,
  TransactionIndex,
} from '../../../broker/log/transaction-index.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const path = '/log/00000000000000000000.txnindex'

const aborted = (producerId: number, firstOffset: number, lastOffset: number, lastStableOffset: number) => ({
  producerId,
  firstOffset,
  lastOffset,
  lastStableOffset,
})

function anIndex(...transactions: ReturnType<typeof aborted>[]) {
  const disk = new FakeDisk()
  disk.makeDirectory('/log')
  const index = new TransactionIndex({ disk, path, exists: false })
  for (const transaction of transactions) index.append(transaction)
  const again = (): TransactionIndex => new TransactionIndex({ disk, path, exists: index.exists })
  return { disk, index, again }
}

test('without an aborted transaction there is no file', () => {
  const { disk, index } = anIndex()
  expect(index.collect(0, 100, [])).toBe(false)
  index.truncateTo(0)
  expect(disk.paths()).toEqual([])
})

test('an entry is 34 bytes, as Kafka writes it', () => {
  const { disk } = anIndex(aborted(7, 10, 20, 21))
  expect(disk.peek(path).toString('hex')).toBe(
    `0000${'0000000000000007'}${'000000000000000a'}${'0000000000000014'}${'0000000000000015'}`,
  )
})

test('what was appended is read again', () => {
  const transactions = [aborted(1, 0, 10, 5), aborted(2, 5, 11, 12)]
  expect(
    anIndex(...transactions)
      .again()
      .all(),
  ).toEqual(transactions)
})

describe('collecting', () => {
  const { again } = anIndex(aborted(1, 0, 10, 5), aborted(2, 5, 20, 15), aborted(3, 15, 30, 31))
  const collect = (from: number, to: number) => {
    const found: { producerId: number; firstOffset: number }[] = []
    const isComplete = again().collect(from, to, found)
    return { isComplete, producers: found.map(({ producerId }) => producerId) }
  }

  test.each([
    [0, 100, false, [1, 2, 3]],
    [10, 100, false, [1, 2, 3]],
    [11, 100, false, [2, 3]],
    [21, 100, false, [3]],
    [0, 15, true, [1, 2]],
    [0, 5, true, [1]],
    [11, 16, true, [2, 3]],
    [31, 100, false, []],
  ])('from %d up to %d', (from, to, isComplete, producers) => {
    expect(collect(from, to)).toEqual({ isComplete, producers })
  })
})

test('cutting drops the entries whose marker is cut off', () => {
  const { index, again } = anIndex(aborted(1, 0, 10, 5), aborted(2, 5, 20, 21))
  index.truncateTo(21)
  expect(again().all()).toHaveLength(2)
  index.truncateTo(20)
  expect(
    again()
      .all()
      .map(({ producerId }) => producerId),
  ).toEqual([1])
  index.append(aborted(3, 12, 25, 26))
  expect(
    again()
      .all()
      .map(({ producerId }) => producerId),
  ).toEqual([1, 3])
})

test('a damaged file is noticed when it is needed', () => {
  const { disk, again } = anIndex(aborted(1, 0, 10, 5))
  for (const damage of [
    Buffer.alloc(33),
    Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(32)]),
    encodeTransactionIndex([aborted(1, 11, 10, 5)]),
    encodeTransactionIndex([aborted(1, 0, 10, 5), aborted(1, 0, 10, 5)]),
  ]) {
    expect(isWholeTransactionIndex(damage)).toBe(false)
    disk.poke(path, damage)
    expect(() => again().collect(0, 100, [])).toThrow(DamagedTransactionIndex)
  }
})

test('what was synced survives a power cut', async () => {
  const { disk, index, again } = anIndex(aborted(1, 0, 10, 5))
  await index.sync()
  disk.syncDirectory('/log')
  disk.syncDirectory('/')
  index.append(aborted(2, 5, 20, 21))
  disk.cutPower()
  expect(again().all()).toHaveLength(1)
})
