import {
  crc32c,
  type Decoded,
  decodeVersioned,
  encodeVersioned,
  producerSnapshot,
  ProtocolError,
} from '../../protocol/index.ts'

/**
 * One batch of a producer, see ProducerEntry.store. `lastOffset` is -1 when there is none, `currentTxnFirstOffset` is -1
 * without an open transaction.
 */
export type SnapshotEntry = Decoded<typeof producerSnapshot>['producerEntries'][number]

const version = 1
/** int16 version, uint32 CRC-32C of all that follows. */
const crcAt = 2
const checkedFrom = 6

export function encodeProducerSnapshot(producerEntries: readonly SnapshotEntry[]): Buffer {
  const content = encodeVersioned(producerSnapshot, version, { crc: 0, producerEntries })
  content.writeUInt32BE(crc32c(content, checkedFrom), crcAt)
  return content
}

/** Undefined when the bytes are not a whole snapshot of a version we know: it must not be used then. */
export function decodeProducerSnapshot(content: Buffer): readonly SnapshotEntry[] | undefined {
  if (content.length < checkedFrom || content.readUInt32BE(crcAt) !== crc32c(content, checkedFrom))
    return undefined
  try {
    return decodeVersioned(producerSnapshot, content).producerEntries
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
