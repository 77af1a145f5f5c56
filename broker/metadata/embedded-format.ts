import { crc32c, ProtocolError, Reader, Writer } from '../../protocol/index.ts'
import type { LeaseId, StoreEntry } from './metadata-store.ts'

/**
 * The bytes of the embedded store's two kinds of files. All numbers are big-endian; a text is its length (u32) and
 * its UTF-8 bytes.
 *
 *   write-ahead log `wal-<revision>`          snapshot `snapshot-<revision>`
 *   ┌───────────────────────────────┐         ┌───────────────────────────────┐
 *   │ "BNBSWAL1"  base revision i64 │         │ "BNBSNAP1"  revision i64      │
 *   │ entries i64 (0)  crc32c u32   │         │ entries i64      crc32c u32   │
 *   ├───────────────────────────────┤         ├───────────────────────────────┤
 *   │ frame: one flush, fsynced as  │         │ frame: some thousand entries  │
 *   │ a whole before the next       │         │ …                             │
 *   └───────────────────────────────┘         └───────────────────────────────┘
 *
 *   frame        "BNBS" u32 · crc32c u32 of what follows · payload bytes u32 · payload
 *   WAL payload  transactions: revision i64 · count u16 · operations
 *   operation    0 key                 delete
 *                1 key value           put
 *                2 key value lease     put bound to a lease
 *   snapshot payload  count u32 · entries: create revision i64 · mod revision i64 · operation 1 or 2
 *
 * Because a frame is written only when the one before is safe, a bad frame at the very end is a write that was cut
 * short and was never acknowledged; a bad frame with a good one behind it is damage.
 */
export const fileHeaderBytes = 28
const frameHeaderBytes = 12

export type FileKind = 'wal' | 'snapshot'

const fileMarks = { wal: Buffer.from('BNBSWAL1'), snapshot: Buffer.from('BNBSNAP1') } as const
const frameMark = 0x424e4253
const frameMarkBytes = Buffer.from('BNBS')

/** What one transaction did, as it is logged. */
export interface LoggedTransaction {
  readonly revision: number
  readonly operations: readonly LoggedOperation[]
}

export type LoggedOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease: LeaseId | null }
  | { readonly kind: 'delete'; readonly key: string }

export function encodeFileHeader(kind: FileKind, revision: number, entries: number): Buffer {
  const writer = new Writer(fileHeaderBytes)
  writer.raw(fileMarks[kind])
  writer.int64(revision)
  writer.int64(entries)
  writer.uint32(crc32c(writer.buffer, 0, writer.position))
  return writer.finish()
}

/** Undefined when the bytes are not the header of such a file. */
export function decodeFileHeader(
  kind: FileKind,
  file: Buffer,
): { revision: number; entries: number } | undefined {
  if (file.length < fileHeaderBytes || !file.subarray(0, 8).equals(fileMarks[kind])) return undefined
  if (file.readUInt32BE(fileHeaderBytes - 4) !== crc32c(file, 0, fileHeaderBytes - 4)) return undefined
  const reader = new Reader(file, 8)
  return { revision: reader.int64(), entries: reader.int64() }
}

/** Opens a frame in `writer`; the payload is written next, then `endFrame` closes it. */
export function beginFrame(writer: Writer): number {
  return writer.reserve(frameHeaderBytes)
}

export function endFrame(writer: Writer, start: number): void {
  const { buffer, position } = writer
  buffer.writeUInt32BE(frameMark, start)
  buffer.writeUInt32BE(position - start - frameHeaderBytes, start + 8)
  buffer.writeUInt32BE(crc32c(buffer, start + 8, position), start + 4)
}

/** The payload of the frame at `at`, or undefined when there is no whole and sound frame. */
export function frameAt(file: Buffer, at: number): { start: number; end: number } | undefined {
  if (file.length - at < frameHeaderBytes || file.readUInt32BE(at) !== frameMark) return undefined
  const end = at + frameHeaderBytes + file.readUInt32BE(at + 8)
  if (end > file.length || file.readUInt32BE(at + 4) !== crc32c(file, at + 8, end)) return undefined
  return { start: at + frameHeaderBytes, end }
}

/** Whether any sound frame begins at or after `at`. */
export function hasFrameAfter(file: Buffer, at: number): boolean {
  for (
    let next = file.indexOf(frameMarkBytes, at);
    next !== -1;
    next = file.indexOf(frameMarkBytes, next + 1)
  ) {
    if (frameAt(file, next) !== undefined) return true
  }
  return false
}

export function encodeTransaction(writer: Writer, { revision, operations }: LoggedTransaction): void {
  writer.int64(revision)
  writer.uint16(operations.length)
  for (const operation of operations) encodeOperation(writer, operation)
}

/** Throws ProtocolError when the payload is not what its checksum promised. */
export function decodeTransactions(file: Buffer, start: number, end: number): LoggedTransaction[] {
  const reader = new Reader(file, start, end)
  const transactions: LoggedTransaction[] = []
  while (reader.remaining > 0) {
    const revision = reader.int64()
    const operations: LoggedOperation[] = []
    for (let count = reader.uint16(); count > 0; count--) operations.push(decodeOperation(reader))
    transactions.push({ revision, operations })
  }
  return transactions
}

export function encodeEntries(writer: Writer, entries: readonly StoreEntry[]): void {
  writer.uint32(entries.length)
  for (const { key, value, createRevision, modRevision, lease } of entries) {
    writer.int64(createRevision)
    writer.int64(modRevision)
    encodeOperation(writer, { kind: 'put', key, value, lease })
  }
}

/** Throws ProtocolError when the payload is not what its checksum promised. */
export function decodeEntries(
  file: Buffer,
  start: number,
  end: number,
  take: (entry: StoreEntry) => void,
): void {
  const reader = new Reader(file, start, end)
  for (let count = reader.uint32(); count > 0; count--) {
    const createRevision = reader.int64()
    const modRevision = reader.int64()
    const operation = decodeOperation(reader)
    if (operation.kind === 'delete') throw new ProtocolError('A snapshot holds a deletion.')
    const { key, value, lease } = operation
    take({ key, value, createRevision, modRevision, lease })
  }
}

function encodeOperation(writer: Writer, operation: LoggedOperation): void {
  if (operation.kind === 'delete') {
    writer.int8(0)
    encodeText(writer, operation.key)
    return
  }
  writer.int8(operation.lease === null ? 1 : 2)
  encodeText(writer, operation.key)
  encodeText(writer, operation.value)
  if (operation.lease !== null) encodeText(writer, operation.lease)
}

function decodeOperation(reader: Reader): LoggedOperation {
  const kind = reader.uint8()
  if (kind > 2) throw new ProtocolError(`No operation is written as ${kind}.`)
  const key = decodeText(reader)
  if (kind === 0) return { kind: 'delete', key }
  const value = decodeText(reader)
  return { kind: 'put', key, value, lease: kind === 2 ? decodeText(reader) : null }
}

function encodeText(writer: Writer, text: string): void {
  const length = Buffer.byteLength(text)
  writer.uint32(length)
  const at = writer.reserve(length)
  writer.buffer.write(text, at, length, 'utf8')
}

function decodeText(reader: Reader): string {
  const length = reader.uint32()
  if (length > reader.remaining)
    throw new ProtocolError(`A text of ${length} bytes does not fit in its frame.`)
  const start = reader.position
  reader.position += length
  return reader.buffer.toString('utf8', start, start + length)
}
