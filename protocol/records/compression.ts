// One table of codec → pack and unpack, in the framings that Kafka's clients speak. Every unpacking has a cap: sizes that the
// bytes declare are not believed, and a bomb is refused when its output reaches the cap, not after.
import { promisify } from 'node:util'
import {
  constants,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import { packLz4Frame, packLz4FrameSync, unpackLz4Frame, unpackLz4FrameSync } from './lz4-frame.ts'
import { RecordsError } from './records-error.ts'
import { packSnappy, packSnappySync, unpackSnappy, unpackSnappySync } from './snappy-framing.ts'

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Index = the codec's number in a batch's attributes. */
export const compressionTypes: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export interface CompressOptions {
  /** gzip 1–9, zstd 1–22 (and negative); snappy and lz4 have none. Left out: the codec's default. */
  readonly level?: number
}

export interface DecompressOptions {
  /** Most bytes that the result may have; past it the result is a RecordsError `tooLarge`. */
  readonly maxDecompressedBytes: number
}

interface Codec {
  packSync(bytes: Uint8Array, level: number | undefined): Buffer
  pack(bytes: Uint8Array, level: number | undefined): Promise<Buffer>
  unpackSync(bytes: Uint8Array, maxBytes: number): Buffer
  unpack(bytes: Uint8Array, maxBytes: number): Promise<Buffer>
}

const gzipAsync = promisify(gzip)
const gunzipAsync = promisify(gunzip)
const zstdCompressAsync = promisify(zstdCompress)
const zstdDecompressAsync = promisify(zstdDecompress)

const codecs: Readonly<Record<Exclude<CompressionType, 'none'>, Codec>> = {
  gzip: {
    packSync: (bytes, level) => gzipSync(bytes, { level }),
    pack: (bytes, level) => gzipAsync(bytes, { level }),
    unpackSync: (bytes, maxBytes) => gunzipSync(bytes, zlibLimits(bytes, maxBytes)),
    unpack: (bytes, maxBytes) => gunzipAsync(bytes, zlibLimits(bytes, maxBytes)),
  },
  snappy: { packSync: packSnappySync, pack: packSnappy, unpackSync: unpackSnappySync, unpack: unpackSnappy },
  lz4: {
    packSync: packLz4FrameSync,
    pack: packLz4Frame,
    unpackSync: unpackLz4FrameSync,
    unpack: unpackLz4Frame,
  },
  zstd: {
    packSync: (bytes, level) => zstdCompressSync(bytes, zstdLevel(level)),
    pack: (bytes, level) => zstdCompressAsync(bytes, zstdLevel(level)),
    unpackSync: (bytes, maxBytes) => zstdDecompressSync(bytes, zlibLimits(bytes, maxBytes)),
    unpack: (bytes, maxBytes) => zstdDecompressAsync(bytes, zlibLimits(bytes, maxBytes)),
  },
}

/** Packs on this thread, right for what is small. `none` answers the same bytes. */
export function compress(type: CompressionType, bytes: Buffer, options: CompressOptions = {}): Buffer {
  return type === 'none' ? bytes : codecs[type].packSync(bytes, options.level)
}

/** Packs on a thread of libuv's pool. `bytes` must not change until it is done. */
export async function compressAsync(
  type: CompressionType,
  bytes: Buffer,
  options: CompressOptions = {},
): Promise<Buffer> {
  return type === 'none' ? bytes : codecs[type].pack(bytes, options.level)
}

/** Unpacks on this thread, right for what is small. Throws RecordsError: `tooLarge` past the cap, `compressedData` for broken bytes. */
export function decompress(type: CompressionType, bytes: Buffer, options: DecompressOptions): Buffer {
  if (type === 'none') return bytes
  try {
    return within(
      codecs[type].unpackSync(bytes, options.maxDecompressedBytes),
      type,
      options.maxDecompressedBytes,
    )
  } catch (error) {
    throw asRecordsError(error, type, options.maxDecompressedBytes)
  }
}

/** Unpacks on a thread of libuv's pool. `bytes` must not change until it is done. Errors as with `decompress`. */
export async function decompressAsync(
  type: CompressionType,
  bytes: Buffer,
  options: DecompressOptions,
): Promise<Buffer> {
  if (type === 'none') return bytes
  try {
    return within(
      await codecs[type].unpack(bytes, options.maxDecompressedBytes),
      type,
      options.maxDecompressedBytes,
    )
  } catch (error) {
    throw asRecordsError(error, type, options.maxDecompressedBytes)
  }
}

/** zlib takes no cap of 0 bytes, so that one is checked again when it is done. */
function within(plain: Buffer, type: CompressionType, maxBytes: number): Buffer {
  if (plain.length > maxBytes) throw tooLarge(type, maxBytes)
  return plain
}

/** Output comes in pieces of about four times the input, so that a small batch costs no big buffer and a big one few pieces. */
function zlibLimits(bytes: Uint8Array, maxBytes: number): { maxOutputLength: number; chunkSize: number } {
  return {
    maxOutputLength: Math.max(maxBytes, 1),
    chunkSize: Math.min(Math.max(bytes.length * 4, 1024), 128 * 1024),
  }
}

function zstdLevel(level: number | undefined): { params?: Record<number, number> } {
  return level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } }
}

function tooLarge(type: CompressionType, maxBytes: number): RecordsError {
  return new RecordsError('tooLarge', `The ${type} data unpack to more than ${maxBytes} bytes.`)
}

/**
 * Too much output, and a zstd window over zstd's own 128 MiB. Smaller windows are let through whatever the cap: strong
 * levels ask for them around few bytes, and the decoder touches no more of one than it puts out.
 */
const sizeCodes: ReadonlySet<unknown> = new Set([
  'ERR_BUFFER_TOO_LARGE',
  'ZSTD_error_frameParameter_windowTooLarge',
])

function asRecordsError(error: unknown, type: CompressionType, maxBytes: number): RecordsError {
  if (error instanceof RecordsError) return error
  if (error instanceof Error && 'code' in error && sizeCodes.has(error.code)) return tooLarge(type, maxBytes)
  return new RecordsError('compressedData', `The ${type} data cannot be unpacked.`, { cause: error })
}
