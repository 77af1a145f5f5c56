import fc from 'fast-check'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  compress,
  compressAsync,
  type CompressionType,
  compressionTypes,
  decompress,
  decompressAsync,
  RecordsError,
  type RecordsFault,
} from '../../../protocol/index.ts'
import { xxhash32 } from '../../../protocol/bytes/xxhash32.ts'

const codecs = compressionTypes.filter(type => type !== 'none')
const megabyte = 1024 * 1024

function faultOf(act: () => unknown): RecordsFault | 'none' {
  try {
    act()
    return 'none'
  } catch (error) {
    if (error instanceof RecordsError) return error.fault
    throw error
  }
}

async function faultOfAsync(act: Promise<unknown>): Promise<RecordsFault | 'none'> {
  return act.then(
    () => 'none' as const,
    (error: unknown) => {
      if (error instanceof RecordsError) return error.fault
      throw error
    },
  )
}

describe.each(codecs)('%s', type => {
  test('what was packed is unpacked to the same bytes', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.integer({ min: 1, max: 3000 }))
        .map(([piece, times]) => Buffer.alloc(piece.length * times, piece)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async some => {
        const plain = Buffer.from(some)
        const limit = { maxDecompressedBytes: plain.length }
        const packed = compress(type, plain)
        expect(decompress(type, packed, limit).equals(plain)).toBe(true)
        expect((await decompressAsync(type, packed, limit)).equals(plain)).toBe(true)
        expect(decompress(type, await compressAsync(type, plain), limit).equals(plain)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('one byte more than the cap is refused', async () => {
    for (const size of [1, 100, 65_536, 65_537, 200_000]) {
      const packed = compress(type, Buffer.alloc(size, 'abcde'))
      const limit = { maxDecompressedBytes: size - 1 }
      expect(faultOf(() => decompress(type, packed, limit))).toBe('tooLarge')
      expect(await faultOfAsync(decompressAsync(type, packed, limit))).toBe('tooLarge')
    }
  })

  test('a bomb is refused without memory for what it would become', async () => {
    const packed = bomb(type)
    const before = process.memoryUsage().arrayBuffers
    const limit = { maxDecompressedBytes: megabyte }
    expect(faultOf(() => decompress(type, packed, limit))).toBe('tooLarge')
    expect(await faultOfAsync(decompressAsync(type, packed, limit))).toBe('tooLarge')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * megabyte)
  })

  test('a stream cut anywhere is refused', () => {
    const plain = Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * index) >> 3))
    const packed = compress(type, plain)
    const limit = { maxDecompressedBytes: megabyte }
    for (
      let length = 0;
      length < packed.length;
      length += length < 30 || length > packed.length - 30 ? 1 : 37
    ) {
      // Framing without a single block is a whole stream of no bytes.
      if (type === 'snappy' && length === 16) continue
      expect(
        faultOf(() => decompress(type, packed.subarray(0, length), limit)),
        `${length} bytes`,
      ).toBe('compressedData')
    }
  })

  test('arbitrary and damaged bytes give bytes within the cap or a typed error', () => {
    const packed = compress(
      type,
      Buffer.from('some text that some codec packs, some text that it knows '.repeat(20)),
    )
    const damaged = fc
      .tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([place, change]) => {
        const copy = Buffer.from(packed)
        copy[place] = copy[place]! ^ change
        return copy
      })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 100 })), bytes => {
        const limit = { maxDecompressedBytes: 4096 }
        let plain = Buffer.alloc(0)
        const fault = faultOf(() => {
          plain = Buffer.from(decompress(type, Buffer.from(bytes), limit))
        })
        expect(['none', 'compressedData', 'tooLarge']).toContain(fault)
        expect(plain.length).toBeLessThanOrEqual(4096)
      }),
      { numRuns: 300 },
    )
  })
})

/** At least 1000 plain bytes a packed one where the format can; else as many as it can, with a lie about the rest. */
function bomb(type: CompressionType): Buffer {
  const plain = Buffer.alloc(64 * megabyte)
  switch (type) {
    case 'gzip':
      return gzipSync(plain, { level: 9 })
    case 'zstd':
      return zstdCompressSync(plain)
    case 'snappy':
    case 'lz4':
    case 'none':
      return compress(type, plain)
  }
}

test('no compression hands out the same bytes', () => {
  const bytes = Buffer.from('as it is')
  expect(compress('none', bytes)).toBe(bytes)
  expect(decompress('none', bytes, { maxDecompressedBytes: 0 })).toBe(bytes)
})

describe('snappy framing', () => {
  // 11 bytes plain: size 11, literal of length 11.
  const block = Buffer.from([11, 10 << 2, ...Buffer.from('hello world')])
  const magic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]
  const header = Buffer.from([...magic, 0, 0, 0, 1, 0, 0, 0, 1])
  const framed = Buffer.concat([header, Buffer.from([0, 0, 0, block.length]), block])
  const limit = { maxDecompressedBytes: 100 }

  test('a bare block, as librdkafka writes it, is read', () => {
    expect(decompress('snappy', block, limit).toString()).toBe('hello world')
  })

  test('streams behind each other, each with its header, are read as one', () => {
    expect(decompress('snappy', Buffer.concat([framed, framed]), limit).toString()).toBe(
      'hello worldhello world',
    )
  })

  test('a block length that is negative or longer than the bytes is refused', () => {
    for (const length of [-1, 14, 0x7fffffff]) {
      const bytes = Buffer.from(framed)
      bytes.writeInt32BE(length, header.length)
      expect(faultOf(() => decompress('snappy', bytes, limit))).toBe('compressedData')
    }
  })

  test('a declared size that the block cannot hold is refused before it is allocated', () => {
    const lie = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])
    const generous = { maxDecompressedBytes: 2 ** 32 }
    expect(faultOf(() => decompress('snappy', lie, generous))).toBe('compressedData')
    expect(
      faultOf(() => decompress('snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 1]), generous)),
    ).toBe('compressedData')
  })

  test('the cap holds for all blocks together', () => {
    expect(
      faultOf(() => decompress('snappy', Buffer.concat([framed, framed]), { maxDecompressedBytes: 21 })),
    ).toBe('tooLarge')
  })
})

describe('lz4 frames', () => {
  const limit = { maxDecompressedBytes: 1000 }
  const plain = Buffer.from('plain bytes')
  const stored = Buffer.from([plain.length, 0, 0, 0x80])
  const end = Buffer.alloc(4)

  function frameWith(flags: number, blockDescriptor: number, ...rest: readonly Uint8Array[]): Buffer {
    const descriptor = Buffer.from([flags, blockDescriptor])
    const checksum = (xxhash32(descriptor) >>> 8) & 0xff
    return Buffer.concat([
      Buffer.from([0x04, 0x22, 0x4d, 0x18]),
      descriptor,
      Buffer.from([checksum]),
      ...rest,
    ])
  }

  function sum(bytes: Uint8Array): Buffer {
    const word = Buffer.alloc(4)
    word.writeUInt32LE(xxhash32(bytes))
    return word
  }

  test('written are independent blocks of 64 KiB without checksums and content size', () => {
    const packed = compress('lz4', Buffer.alloc(100_000, 'abc'))
    expect(packed.subarray(0, 7).toString('hex')).toBe('04224d18604082')
    expect(packed.subarray(-4)).toEqual(end)
  })

  test('a stored block is read', () => {
    expect(decompress('lz4', frameWith(0x60, 0x40, stored, plain, end), limit)).toEqual(plain)
  })

  test('checksums of blocks and content are checked', () => {
    expect(
      decompress('lz4', frameWith(0x74, 0x40, stored, plain, sum(plain), end, sum(plain)), limit),
    ).toEqual(plain)
    expect(
      faultOf(() => decompress('lz4', frameWith(0x74, 0x40, stored, plain, end, end, sum(plain)), limit)),
    ).toBe('compressedData')
    expect(faultOf(() => decompress('lz4', frameWith(0x64, 0x40, stored, plain, end, end), limit))).toBe(
      'compressedData',
    )
  })

  test.each([
    ['linked blocks', 0x40, 0x40],
    ['a content size', 0x68, 0x40],
    ['a dictionary', 0x61, 0x40],
    ['an unknown version', 0xa0, 0x40],
    ['a reserved flag', 0x62, 0x40],
    ['a block size that is not in the format', 0x60, 0x30],
  ])('%s are refused as in Kafka', (_, flags, descriptor) => {
    expect(faultOf(() => decompress('lz4', frameWith(flags, descriptor, stored, plain, end), limit))).toBe(
      'compressedData',
    )
  })

  test('a wrong header checksum is refused', () => {
    const bytes = frameWith(0x60, 0x40, stored, plain, end)
    bytes[6] = bytes[6]! ^ 1
    expect(faultOf(() => decompress('lz4', bytes, limit))).toBe('compressedData')
  })
})

describe('zstd frames', () => {
  test('a frame that needs a dictionary is refused', () => {
    const dictionary = Buffer.from('words that both sides are supposed to know: '.repeat(10))
    const packed = zstdCompressSync(Buffer.from('both sides are supposed to know'), { dictionary })
    expect(faultOf(() => decompress('zstd', packed, { maxDecompressedBytes: 1000 }))).toBe('compressedData')
  })

  // Magic, no content size, window descriptor, then one last block: 'plain', stored.
  function frameWithWindow(descriptor: number): Buffer {
    return Buffer.concat([
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, 41, 0, 0]),
      Buffer.from('plain'),
    ])
  }

  test('a window of 128 MiB, as the strongest levels ask for, is let through around few bytes', () => {
    expect(decompress('zstd', frameWithWindow(0x88), { maxDecompressedBytes: 5 }).toString()).toBe('plain')
  })

  test('a greater window is refused', () => {
    expect(faultOf(() => decompress('zstd', frameWithWindow(0x90), { maxDecompressedBytes: 5 }))).toBe(
      'tooLarge',
    )
  })

  test('a bomb with a wide window is refused', () => {
    const params = { [constants.ZSTD_c_windowLog]: 27 }
    const packed = zstdCompressSync(Buffer.alloc(100 * megabyte), { params })
    expect(faultOf(() => decompress('zstd', packed, { maxDecompressedBytes: megabyte }))).toBe('tooLarge')
  })
})
