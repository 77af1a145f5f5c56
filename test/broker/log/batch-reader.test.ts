import { expect, test } from 'vitest'
import { BatchReader } from '../../../broker/log/batch-reader.ts'
import { aBatch } from '../../support/a-log.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

function readAll(
  content: Buffer,
  options: { readonly bufferBytes?: number; readonly sizeInBytes?: number } = {},
) {
  const disk = new FakeDisk()
  disk.poke('/file', content)
  const reader = new BatchReader(options.bufferBytes ?? 100)
  reader.begin(disk.open('/file', 'read'), options.sizeInBytes ?? content.length)
  const offsets: number[] = []
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) offsets.push(batch.baseOffset)
  return offsets
}

const batches = [0, 3, 50, 100].map(baseOffset => aBatch(3, { baseOffset }))
const large = aBatch(['x'.repeat(5000)], { baseOffset: 200 })

test.each([1, 61, 100, 150, 4096])('every batch is read whole with a buffer of %i bytes', bufferBytes => {
  expect(readAll(Buffer.concat([...batches, large, ...batches]), { bufferBytes })).toEqual([
    0, 3, 50, 100, 200, 0, 3, 50, 100,
  ])
})

test('only the part of the file that was asked for is read', () => {
  expect(readAll(Buffer.concat(batches), { sizeInBytes: batches[0]!.length * 2 })).toEqual([0, 3])
  expect(readAll(Buffer.alloc(0))).toEqual([])
})

test('damage is told with its place', () => {
  const content = Buffer.concat(batches)
  const size = batches[0]!.length
  content[size + 70] = content[size + 70]! ^ 1
  expect(() => readAll(content)).toThrow(/\/file has a batch with a wrong checksum at byte \d+/)
  expect(() => readAll(Buffer.concat(batches).subarray(0, -1))).toThrow('ends in the middle of a batch')
  expect(() => readAll(Buffer.concat([...batches, Buffer.alloc(70)]))).toThrow('is damaged')
  expect(() => readAll(Buffer.concat(batches), { sizeInBytes: 10_000 })).toThrow()
})
