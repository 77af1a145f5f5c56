import { expect, test } from 'vitest'
import { batchesOf, buildBatch, findBatch, RecordsError } from '../../../protocol/index.ts'

const one = buildBatch({ baseOffset: 0, records: [{ value: Buffer.from('one'), timestamp: 1 }] })
const two = buildBatch({ baseOffset: 1, records: [{ value: Buffer.from('two'), timestamp: 2 }] })

function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(one)
  change(bytes)
  return bytes
}

test('batches behind each other are given one by one', () => {
  const offsets = [...batchesOf(Buffer.concat([one, two, one]))].map(batch => batch.baseOffset)
  expect(offsets).toEqual([0, 1, 0])
})

test('a part of a batch at the end is left out, wherever it ends', () => {
  for (let length = 0; length < two.length; length++) {
    const bytes = Buffer.concat([one, two.subarray(0, length)])
    expect([...batchesOf(bytes)].length).toBe(1)
    const found = findBatch(bytes, one.length)
    expect(found).toEqual({ kind: 'incomplete', sizeInBytes: length < 12 ? undefined : two.length })
  }
})

test('only the named piece of a buffer is looked at', () => {
  const bytes = Buffer.concat([one, two])
  expect(findBatch(bytes, 0, one.length - 1).kind).toBe('incomplete')
  expect(findBatch(bytes, one.length).kind).toBe('batch')
})

test.each([-1, 0, 13, -(2 ** 31), 48])('a batch length of %i is corrupt', length => {
  const bytes = changed(copy => copy.writeInt32BE(length, 8))
  expect(findBatch(bytes).kind).toBe('corrupt')
  expect(() => [...batchesOf(bytes)]).toThrow(RecordsError)
})

test('a batch length far beyond the bytes is incomplete and allocates nothing', () => {
  const bytes = changed(copy => copy.writeInt32BE(2 ** 31 - 1, 8))
  expect(findBatch(bytes)).toEqual({ kind: 'incomplete', sizeInBytes: 2 ** 31 + 11 })
})

test.each([0, 1])('magic %i is told apart as old', magic => {
  const bytes = changed(copy => copy.writeInt8(magic, 16))
  expect(findBatch(bytes)).toEqual({ kind: 'oldMagic', magic, sizeInBytes: one.length })
  expect(() => [...batchesOf(bytes)]).toThrow(RecordsError)
})

test.each([-1, 3, 127])('magic %i is corrupt', magic => {
  expect(findBatch(changed(copy => copy.writeInt8(magic, 16))).kind).toBe('corrupt')
})

test.each([
  ['base offset', 0],
  ['base timestamp', 27],
  ['largest timestamp', 35],
  ['producer id', 43],
])('a %s beyond 2^53 is corrupt', (_, position) => {
  expect(findBatch(changed(copy => copy.writeBigInt64BE(2n ** 53n, position))).kind).toBe('corrupt')
  expect(findBatch(changed(copy => copy.writeBigInt64BE(-(2n ** 63n), position))).kind).toBe('corrupt')
})
