import type { Disk } from './disk.ts'
import { segmentFileName } from './file-names.ts'
import { decodeProducerSnapshot, encodeProducerSnapshot, type SnapshotEntry } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'

/**
 * Writes the state after all records below `offset`. Not synced, and not by way of a rename: the checksum tells a torn
 * one, and then the next older snapshot is used and the log read from there.
 */
export function writeProducerSnapshot(
  disk: Disk,
  directory: string,
  offset: number,
  producers: ProducerState,
): void {
  const content = encodeProducerSnapshot(producers.snapshot())
  const file = disk.open(`${directory}/${segmentFileName(offset, 'snapshot')}`, 'replace')
  try {
    file.writeSync(content, 0, content.length, 0)
  } finally {
    file.close()
  }
}

export interface FoundSnapshot {
  /** The state is that after all records below. 0 with no entries where there is no snapshot. */
  readonly offset: number
  readonly entries: readonly SnapshotEntry[]
}

/**
 * The newest whole snapshot of `offsets` (in any order) that is not beyond `atMost`; damaged ones are removed. Undefined
 * without one.
 */
export function readNewestProducerSnapshot(
  disk: Disk,
  directory: string,
  offsets: readonly number[],
  atMost = Infinity,
): FoundSnapshot | undefined {
  const candidates = offsets.filter(offset => offset <= atMost).sort((a, b) => b - a)
  for (const offset of candidates) {
    const path = `${directory}/${segmentFileName(offset, 'snapshot')}`
    const content = disk.readFile(path)
    const entries = content === undefined ? undefined : decodeProducerSnapshot(content)
    if (entries !== undefined) return { offset, entries }
    disk.unlink(path)
  }
  return undefined
}
