// Snappy as Kafka's clients write it: Java in the block framing of snappy-java ("xerial"), librdkafka as one bare block.
// Written is the framing, which everybody reads; read are both, told apart by the magic.
//
//   82 53 4E 41 50 50 59 00 | int32 version 1 | int32 oldest compatible version 1 | ( int32 length | snappy block )*
import { createRequire } from 'node:module'
import type * as Snappy from 'snappy'
import { RecordsError } from './records-error.ts'

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const header = Buffer.concat([magic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** Plain bytes in a block, as snappy-java cuts them. */
const blockBytes = 32 * 1024

export function packSnappySync(bytes: Uint8Array): Buffer {
  const { compressSync } = snappy()
  const blocks: Buffer[] = []
  for (const piece of piecesOf(bytes)) blocks.push(compressSync(piece))
  return frame(blocks)
}

export async function packSnappy(bytes: Uint8Array): Promise<Buffer> {
  const { compress } = snappy()
  const blocks: Buffer[] = []
  for (const piece of piecesOf(bytes)) blocks.push(await compress(piece))
  return frame(blocks)
}

export function unpackSnappySync(bytes: Uint8Array, maxBytes: number): Buffer {
  const { uncompressSync } = snappy()
  const plain: Uint8Array[] = []
  for (const block of blocksOf(bytes, maxBytes))
    plain.push(asBytes(uncompressSync(block, { asBuffer: true })))
  return joined(plain)
}

export async function unpackSnappy(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  const { uncompress } = snappy()
  const plain: Uint8Array[] = []
  for (const block of blocksOf(bytes, maxBytes))
    plain.push(asBytes(await uncompress(block, { asBuffer: true })))
  return joined(plain)
}

/** Cuts packed bytes into their blocks, and stops before the sum of what they unpack to would pass the cap. */
function* blocksOf(packed: Uint8Array, maxBytes: number): Generator<Uint8Array> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  if (!startsFrame(bytes, 0)) {
    allowed(bytes, maxBytes)
    yield bytes
    return
  }
  let left = maxBytes
  let at = 0
  while (at < bytes.length) {
    // A stream may be several streams behind each other, each with its own header.
    if (startsFrame(bytes, at)) {
      at += header.length
      continue
    }
    if (at + 4 > bytes.length) throw broken('ends inside a block length')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0 || length > bytes.length - at) throw broken('has a block longer than the bytes there are')
    const block = bytes.subarray(at, at + length)
    at += length
    left -= allowed(block, left)
    yield block
  }
  if (at > bytes.length) throw broken('ends inside its header')
}

function startsFrame(bytes: Buffer, at: number): boolean {
  return (
    bytes.length - at >= magic.length && bytes.compare(magic, 0, magic.length, at, at + magic.length) === 0
  )
}

/**
 * The plain size that a block declares, once it is believable: the addon allocates it before it reads on, so it must
 * fit the cap and the format's best ratio (64 bytes out of a 3-byte copy).
 */
function allowed(block: Uint8Array, maxBytes: number): number {
  let size = 0
  let at = 0
  for (; ; at++) {
    const byte = block[at]
    if (byte === undefined || at === 5) throw broken('has a block without a size')
    size += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) break
  }
  if (size > block.length * 22) throw broken('has a block that declares more than it can hold')
  if (size > maxBytes)
    throw new RecordsError('tooLarge', 'The snappy data unpack to more bytes than allowed.')
  return size
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += blockBytes) yield bytes.subarray(at, at + blockBytes)
}

function frame(blocks: readonly Buffer[]): Buffer {
  const size = blocks.reduce((sum, block) => sum + 4 + block.length, header.length)
  const framed = Buffer.allocUnsafe(size)
  let at = header.copy(framed)
  for (const block of blocks) {
    at = framed.writeInt32BE(block.length, at)
    at += block.copy(framed, at)
  }
  return framed
}

function joined(pieces: readonly Uint8Array[]): Buffer {
  const first = pieces[0]
  if (pieces.length !== 1 || first === undefined) return Buffer.concat(pieces)
  return Buffer.from(first.buffer, first.byteOffset, first.length)
}

function asBytes(output: string | Buffer): Uint8Array {
  return typeof output === 'string' ? Buffer.from(output) : output
}

function broken(what: string): RecordsError {
  return new RecordsError('compressedData', `The snappy data ${what}.`)
}

let addon: typeof Snappy | undefined

/** Loaded with the first snappy batch: a process that sees none does not need it. */
function snappy(): typeof Snappy {
  if (addon !== undefined) return addon
  try {
    addon = createRequire(import.meta.url)('snappy') as typeof Snappy
    return addon
  } catch (cause) {
    throw new RecordsError('unsupported', 'The snappy addon cannot be loaded on this platform.', { cause })
  }
}
