/**
 * Equal bytes on all replicas: reads the segment files of every replica of a partition side by side, batch by batch, up to
 * an offset that is replicated everywhere (the high watermark). For topics whose old records nobody deletes.
 */
import { closeSync, openSync, readSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Bytes before the end of a batch header's length field, and offset and length in it. */
const lengthEnd = 12

interface Batch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
}

/**
 * What differs between replicas below `highWatermark`, in sentences; at most one a replica. `directories` by name are the
 * folders of the partition; each must reach the watermark.
 */
export function compareReplicas(
  directories: Readonly<Record<string, string>>,
  highWatermark: number,
): readonly string[] {
  const [first, ...others] = Object.entries(directories)
  if (first === undefined) return []
  return others.flatMap(([name, directory]) => {
    const difference = firstDifference(first[1], directory, highWatermark)
    return difference === null ? [] : [`${first[0]} and ${name}: ${difference}`]
  })
}

/** Producer id and epoch of the batch at an offset, as one word; null when this log does not hold it. */
export function producerAt(directory: string, offset: number): string | null {
  for (const { baseOffset, lastOffset, bytes } of batches(directory)) {
    if (offset >= baseOffset && offset <= lastOffset)
      return `${bytes.readBigInt64BE(43)}/${bytes.readInt16BE(51)}`
  }
  return null
}

function firstDifference(one: string, other: string, highWatermark: number): string | null {
  const left = batches(one)
  const right = batches(other)
  try {
    let a = left.next()
    let b = right.next()
    let reached = 0
    for (;;) {
      const next = Math.max(reached, a.done ? 0 : a.value.baseOffset, b.done ? 0 : b.value.baseOffset)
      if (next >= highWatermark) return null
      if (a.done || b.done) {
        return `the log of ${a.done ? 'the former' : 'the latter'} ends at ${reached}, below the high watermark ${highWatermark}`
      }
      if (!a.value.bytes.equals(b.value.bytes))
        return `they differ in ${wordsOf(a.value)} and ${wordsOf(b.value)}`
      reached = a.value.lastOffset + 1
      a = left.next()
      b = right.next()
    }
  } finally {
    left.return(undefined)
    right.return(undefined)
  }
}

function wordsOf({ baseOffset, lastOffset, bytes }: Batch): string {
  const [epoch, crc] = [bytes.readInt32BE(12), bytes.readUInt32BE(17).toString(16)]
  return `the batch ${baseOffset}–${lastOffset} (${bytes.length} bytes, leader epoch ${epoch}, CRC ${crc})`
}

/** All whole batches of a partition's folder, in the order of its segments. */
function* batches(directory: string): Generator<Batch, void, undefined> {
  const segments = readdirSync(directory)
    .filter(name => name.endsWith('.log'))
    .sort()
  const header = Buffer.alloc(lengthEnd)
  for (const segment of segments) {
    const file = openSync(join(directory, segment), 'r')
    try {
      let position = 0
      while (readSync(file, header, 0, lengthEnd, position) === lengthEnd) {
        const length = header.readInt32BE(8)
        if (length <= 0) break // preallocated and not written yet
        const bytes = Buffer.allocUnsafe(lengthEnd + length)
        if (readSync(file, bytes, 0, bytes.length, position) < bytes.length) break // being written
        const baseOffset = Number(bytes.readBigInt64BE(0))
        yield { baseOffset, lastOffset: baseOffset + bytes.readInt32BE(23), bytes }
        position += bytes.length
      }
    } finally {
      closeSync(file)
    }
  }
}
