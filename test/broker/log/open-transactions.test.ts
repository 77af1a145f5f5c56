import { expect, test } from 'vitest'
import { OpenTransactions } from '../../../broker/log/open-transactions.ts'

const ended = (producerId: number, firstOffset: number, lastOffset: number) => ({
  producerId,
  firstOffset,
  lastOffset,
  isAborted: false,
})

test('a transaction is unstable until its marker is below the high watermark', () => {
  const transactions = new OpenTransactions()
  expect(transactions.firstUnstableOffset).toBe(Infinity)
  transactions.begin(1, 10)
  expect(transactions.firstUnstableOffset).toBe(10)
  expect(transactions.firstUndecidedOffset).toBe(10)
  transactions.complete(ended(1, 10, 20))
  expect(transactions.firstUndecidedOffset).toBe(Infinity)
  expect(transactions.firstUnstableOffset).toBe(10)
  transactions.replicatedTo(20)
  expect(transactions.firstUnstableOffset).toBe(10)
  transactions.replicatedTo(21)
  expect(transactions.firstUnstableOffset).toBe(Infinity)
})

test('of several transactions the oldest counts, in whatever order they end', () => {
  const transactions = new OpenTransactions()
  transactions.begin(1, 10)
  transactions.begin(2, 12)
  transactions.begin(3, 14)
  expect(transactions.lastStableOffsetWithout(ended(2, 12, 20))).toBe(10)
  transactions.complete(ended(2, 12, 20))
  expect(transactions.lastStableOffsetWithout(ended(1, 10, 21))).toBe(14)
  transactions.complete(ended(1, 10, 21))
  expect(transactions.firstUndecidedOffset).toBe(14)
  expect(transactions.firstUnstableOffset).toBe(10)
  transactions.replicatedTo(21)
  expect(transactions.firstUnstableOffset).toBe(10)
  transactions.replicatedTo(22)
  expect(transactions.firstUnstableOffset).toBe(14)
  expect(transactions.lastStableOffsetWithout(ended(3, 14, 30))).toBe(31)
})

test('the end of a transaction that is not open changes nothing', () => {
  const transactions = new OpenTransactions()
  transactions.complete(ended(1, 10, 20))
  expect(transactions.firstUnstableOffset).toBe(Infinity)
})
