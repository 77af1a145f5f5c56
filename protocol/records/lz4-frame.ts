// The LZ4 frame format around the addon's bare blocks. The addon's own frame functions are not used: they unpack without a
// cap, and pack into blocks of up to 4 MiB, for which a Java reader allocates as much.
//
//   04 22 4D 18 | FLG | BD | header checksum | ( uint32 LE size, top bit = stored | block | checksum? )* | 00 00 00 00 | checksum?
//
// Written: independent blocks of 64 KiB, no checksums, no content size, as Kafka's Java client does. Refused when read, as
// there: linked blocks, a content size; and dictionaries, which nobody could have.
import { createRequire } from 'node:module'
import type * as Lz4 from 'lz4-napi'
import { xxhash32 } from '../bytes/xxhash32.ts'
import { RecordsError } from './records-error.ts'

const magic = 0x184d2204
const blockBytes = 64 * 1024
const storedBit = 0x8000_0000
/** Magic, version 01 with independent blocks, 64 KiB blocks, and the checksum of those two bytes. */
const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])

const flag = {
  dictionary: 0x01,
  contentChecksum: 0x04,
  contentSize: 0x08,
  blockChecksum: 0x10,
  independent: 0x20,
}

export function packLz4FrameSync(bytes: Uint8Array): Buffer {
  const { compressSync } = lz4()
  const parts: Uint8Array[] = [header]
  for (const piece of piecesOf(bytes)) parts.push(...blockParts(piece, compressSync(piece)))
  return finished(parts)
}

export async function packLz4Frame(bytes: Uint8Array): Promise<Buffer> {
  const { compress } = lz4()
  const parts: Uint8Array[] = [header]
  for (const piece of piecesOf(bytes)) parts.push(...blockParts(piece, await compress(piece)))
  return finished(parts)
}

export function unpackLz4FrameSync(bytes: Uint8Array, maxBytes: number): Buffer {
  const { uncompressSync } = lz4()
  const reading = new Lz4FrameReading(bytes, maxBytes)
  for (let block = reading.next(); block !== undefined; block = reading.next()) {
    if (block.stored) reading.take(block.bytes)
    else reading.takeUnpacked(block, () => uncompressSync(block.bytes))
  }
  return reading.finish()
}

export async function unpackLz4Frame(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  const { uncompress } = lz4()
  const reading = new Lz4FrameReading(bytes, maxBytes)
  for (let block = reading.next(); block !== undefined; block = reading.next()) {
    if (block.stored) {
      reading.take(block.bytes)
      continue
    }
    const outcome = await uncompress(block.bytes).then(
      plain => () => plain,
      (error: unknown) => () => {
        throw error
      },
    )
    reading.takeUnpacked(block, outcome)
  }
  return reading.finish()
}

interface Block {
  readonly stored: boolean
  /** Stored: the plain bytes. Else: the block behind the four-byte size that the addon wants, which is our limit for it. */
  readonly bytes: Buffer
  /** That limit is the cap and not the format's own. */
  readonly limitedByCap: boolean
}

/** One frame on its way from packed to plain: where we are, what came out, what is still allowed. */
class Lz4FrameReading {
  private readonly bytes: Buffer
  private readonly flags: number
  private readonly maxBlockBytes: number
  private readonly plain: Uint8Array[] = []
  private at: number
  private left: number

  constructor(packed: Uint8Array, maxBytes: number) {
    const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
    this.bytes = bytes
    this.left = maxBytes
    if (bytes.length < header.length) throw broken('ends inside its header')
    if (bytes.readUInt32LE(0) !== magic) throw broken('has no frame magic')
    this.flags = bytes[4]!
    const block = bytes[5]!
    if (this.flags >> 6 !== 1) throw broken('has an unknown frame version')
    if (!this.has(flag.independent)) throw broken('has blocks that depend on each other')
    if (this.has(flag.contentSize)) throw broken('has a content size')
    if (this.has(flag.dictionary)) throw broken('needs a dictionary')
    const sizeCode = (block >> 4) & 7
    if ((this.flags & 0x02) !== 0 || (block & 0x8f) !== 0 || sizeCode < 4)
      throw broken('has a wrong block descriptor')
    if (bytes[6] !== ((xxhash32(bytes, 4, 6) >>> 8) & 0xff)) throw broken('has a wrong header checksum')
    this.maxBlockBytes = 1 << (8 + 2 * sizeCode)
    this.at = header.length
  }

  private has(bit: number): boolean {
    return (this.flags & bit) !== 0
  }

  /** The next block, or undefined after the end mark. */
  next(): Block | undefined {
    const { bytes } = this
    const size = this.word()
    if (size === 0) return undefined
    const stored = size >= storedBit
    const length = stored ? size - storedBit : size
    if (length > this.maxBlockBytes || length > bytes.length - this.at) {
      throw broken('has a block longer than the bytes there are')
    }
    const start = this.at
    this.at += length
    if (this.has(flag.blockChecksum) && this.word() !== xxhash32(bytes, start, start + length)) {
      throw broken('has a block with a wrong checksum')
    }
    if (stored) return { stored, bytes: bytes.subarray(start, start + length), limitedByCap: false }
    // A byte of a block stands for at most 255 plain ones, so a small block never makes the addon allocate much.
    const limit = Math.min(this.maxBlockBytes, length * 255, this.left)
    const sized = Buffer.allocUnsafe(4 + length)
    sized.writeUInt32LE(limit)
    bytes.copy(sized, 4, start, start + length)
    return { stored, bytes: sized, limitedByCap: limit === this.left }
  }

  take(plain: Uint8Array): void {
    if (plain.length > this.left) throw tooLarge()
    this.left -= plain.length
    this.plain.push(plain)
  }

  takeUnpacked(block: Block, unpack: () => Uint8Array): void {
    let plain: Uint8Array
    try {
      plain = unpack()
    } catch (cause) {
      if (block.limitedByCap) throw tooLarge()
      throw new RecordsError('compressedData', 'The lz4 data has a block that cannot be unpacked.', { cause })
    }
    this.take(plain)
  }

  finish(): Buffer {
    const plain = Buffer.concat(this.plain)
    if (this.has(flag.contentChecksum) && this.word() !== xxhash32(plain))
      throw broken('has a wrong content checksum')
    return plain
  }

  private word(): number {
    if (this.at + 4 > this.bytes.length) throw broken('ends before its end mark')
    const value = this.bytes.readUInt32LE(this.at)
    this.at += 4
    return value
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < buffer.length; at += blockBytes) yield buffer.subarray(at, at + blockBytes)
}

/** The addon puts the plain size (four bytes) before its block; a block that did not shrink is stored as it is. */
function blockParts(piece: Buffer, sized: Buffer): [Buffer, Buffer] {
  const size = Buffer.allocUnsafe(4)
  if (sized.length - 4 >= piece.length) {
    size.writeUInt32LE(piece.length + storedBit)
    return [size, piece]
  }
  size.writeUInt32LE(sized.length - 4)
  return [size, sized.subarray(4)]
}

function finished(parts: Uint8Array[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(4)])
}

function broken(what: string): RecordsError {
  return new RecordsError('compressedData', `The lz4 data ${what}.`)
}

function tooLarge(): RecordsError {
  return new RecordsError('tooLarge', 'The lz4 data unpack to more bytes than allowed.')
}

let addon: typeof Lz4 | undefined

/** Loaded with the first lz4 batch: a process that sees none does not need it. */
function lz4(): typeof Lz4 {
  if (addon !== undefined) return addon
  try {
    addon = createRequire(import.meta.url)('lz4-napi') as typeof Lz4
    return addon
  } catch (cause) {
    throw new RecordsError('unsupported', 'The lz4 addon cannot be loaded on this platform.', { cause })
  }
}
