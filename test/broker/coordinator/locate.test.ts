import { expect, test } from 'vitest'
import { coordinatorPartition, javaStringHash } from '../../../broker/coordinator/locate.ts'

test.each([
  ['', 0],
  ['a', 97],
  ['hello', 99_162_322],
  ['test-group', 627_841_412],
  ['polygenelubricants', -2_147_483_648],
  ['Grüße', 69_215_351],
  ['😀', 1_772_899],
])('the hash of %j is that of Java', (text, hash) => {
  expect(javaStringHash(text)).toBe(hash)
})

test('the one hash without an absolute value stands for partition 0', () => {
  expect(coordinatorPartition('polygenelubricants', 50)).toBe(0)
})

test('a negative hash counts by its absolute value', () => {
  expect(javaStringHash('orders')).toBe(-1_008_770_331)
  expect(coordinatorPartition('orders', 50)).toBe(31)
})
