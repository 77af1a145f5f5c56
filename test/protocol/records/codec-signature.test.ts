import { expect, test } from 'vitest'
import { beginsLike, compress, compressionTypes } from '../../../protocol/index.ts'

test.each(compressionTypes)('what %s writes begins like it', type => {
  expect(beginsLike(type, compress(type, Buffer.from('some bytes, some bytes')))).toBe(true)
})

test('plain, other and missing bytes do not begin like gzip, lz4 or zstd', () => {
  for (const type of ['gzip', 'lz4', 'zstd'] as const) {
    expect(beginsLike(type, Buffer.from('plain bytes'))).toBe(false)
    expect(beginsLike(type, Buffer.alloc(0))).toBe(false)
    for (const other of ['gzip', 'lz4', 'zstd'] as const) {
      if (other !== type) expect(beginsLike(type, compress(other, Buffer.from('x')))).toBe(false)
    }
  }
})
