import { crc32c } from '../../protocol/index.ts'
import { readInt64, writeInt64 } from './int64.ts'

/**
 * ```
 * 0  int16   version, 1
 * 2  uint32  CRC-32C of all that follows
 * 6  int32   number of entries
 * 10 entry*  producerId int64, epoch int16, lastSequence int32, lastOffset int64, offsetDelta int32,
 *            timestamp int64, coordinatorEpoch int32, currentTxnFirstOffset int64
 * ```
 * Of the batches that are remembered only the newest is kept. `lastOffset` is -1 when there is none,
 * `currentTxnFirstOffset` is -1 without an open transaction.
 */
export interface SnapshotEntry {
  readonly producerId: number
  readonly epoch: number
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  readonly timestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnFirstOffset: number
}

const version = 1
const crcAt = 2
const countAt = 6
const headerBytes = 10
const entryBytes = 46

export function encodeProducerSnapshot(entries: readonly SnapshotEntry[]): Buffer {
  const buffer = Buffer.alloc(headerBytes + entries.length * entryBytes)
  buffer.writeInt16BE(version, 0)
  buffer.writeInt32BE(entries.length, countAt)
  let at = headerBytes
  for (const entry of entries) {
    writeInt64(buffer, entry.producerId, at)
    buffer.writeInt16BE(entry.epoch, at + 8)
    buffer.writeInt32BE(entry.lastSequence, at + 10)
    writeInt64(buffer, entry.lastOffset, at + 14)
    buffer.writeInt32BE(entry.offsetDelta, at + 22)
    writeInt64(buffer, entry.timestamp, at + 26)
    buffer.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(buffer, entry.currentTxnFirstOffset, at + 38)
    at += entryBytes
  }
  buffer.writeUInt32BE(crc32c(buffer, countAt, buffer.length), crcAt)
  return buffer
}

/** Undefined when the bytes are not a whole snapshot of a version we know: it must not be used then. */
export function decodeProducerSnapshot(buffer: Buffer): SnapshotEntry[] | undefined {
  if (buffer.length < headerBytes || buffer.readInt16BE(0) !== version) return undefined
  if (buffer.readUInt32BE(crcAt) !== crc32c(buffer, countAt, buffer.length)) return undefined
  const count = buffer.readInt32BE(countAt)
  if (buffer.length !== headerBytes + count * entryBytes) return undefined
  const entries: SnapshotEntry[] = []
  for (let at = headerBytes; at < buffer.length; at += entryBytes) {
    entries.push({
      producerId: readInt64(buffer, at),
      epoch: buffer.readInt16BE(at + 8),
      lastSequence: buffer.readInt32BE(at + 10),
      lastOffset: readInt64(buffer, at + 14),
      offsetDelta: buffer.readInt32BE(at + 22),
      timestamp: readInt64(buffer, at + 26),
      coordinatorEpoch: buffer.readInt32BE(at + 34),
      currentTxnFirstOffset: readInt64(buffer, at + 38),
    })
  }
  return entries
}
