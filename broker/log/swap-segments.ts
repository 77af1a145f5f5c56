import { assert } from '../../runtime/assert.ts'
import type { CleanedGroup } from './cleaning-job.ts'
import { cleanedSuffix, swapSuffix } from './file-names.ts'
import type { LogOptions } from './log-options.ts'
import { OpenFiles } from './open-files.ts'
import type { RemovedSegments } from './removed-segments.ts'
import { Segment } from './segment.ts'
import type { SegmentList } from './segment-list.ts'

export interface SwapInto {
  readonly segments: SegmentList
  readonly removed: RemovedSegments
  readonly directory: string
}

/**
 * Puts a cleaned segment in the place of those it was made of, within one turn, by renames alone. They are not synced one by
 * one: file systems keep the order of renames, and whatever part of them a crash leaves, the next start makes a whole of it
 * (interrupted-work.ts): `.cleaned` is thrown away, `.swap` is finished, `.deleted` is gone. Throws DiskError.
 */
export function swapSegments(
  { disk, settings }: Pick<LogOptions, 'disk' | 'settings'>,
  group: CleanedGroup,
  { segments, removed, directory }: SwapInto,
): void {
  const bases = new Set(group.bases)
  const replaced = segments.all.filter(({ baseOffset }) => bases.has(baseOffset))
  const [first] = replaced
  assert(
    first !== undefined && replaced.length === bases.size && !bases.has(segments.active.baseOffset),
    'A cleaned segment takes the place of closed segments of the log.',
    { bases: group.bases },
  )
  const cleaned = Segment.open({
    files: OpenFiles.of(disk),
    directory,
    baseOffset: first.baseOffset,
    indexIntervalBytes: settings()['index.interval.bytes'],
    createdAtMs: group.modifiedAtMs,
    suffix: cleanedSuffix,
    hasTransactionIndex: group.hasTransactionIndex,
    sizeInBytes: group.sizeInBytes,
  })
  cleaned.changeSuffix(swapSuffix)
  for (const segment of replaced) {
    if (segment === first) removed.replaced(segment)
    else removed.remove(segment)
  }
  cleaned.changeSuffix('')
  segments.replace(replaced, cleaned)
}
