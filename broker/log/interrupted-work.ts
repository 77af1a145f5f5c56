import type { Disk } from './disk.ts'
import { cleanedSuffix, deletedSuffix, parseSegmentFileName, swapSuffix } from './file-names.ts'
import { HeaderScan } from './header-scan.ts'

/**
 * Finishes or undoes what the files of a partition were in the middle of when the broker stopped: removals
 * (`.deleted`), compaction that had not finished writing (`.cleaned`), and finished segments that were taking the place of
 * old ones (`.swap`). Safe to be interrupted itself. Returns whether anything changed.
 */
export function finishInterruptedWork(disk: Disk, directory: string, names: readonly string[]): boolean {
  if (!names.some(isUnfinished)) return false
  const plan = planInterruptedWork(names, name => endOffsetOf(disk, `${directory}/${name}`))
  for (const name of plan.remove) disk.unlink(`${directory}/${name}`)
  for (const { from, to } of plan.rename) disk.rename(`${directory}/${from}`, `${directory}/${to}`)
  const hasChanges = plan.remove.length > 0 || plan.rename.length > 0
  if (hasChanges) disk.syncDirectory(directory)
  return hasChanges
}

function isUnfinished(name: string): boolean {
  return name.endsWith(deletedSuffix) || name.endsWith(cleanedSuffix) || name.endsWith(swapSuffix)
}

export interface InterruptedWork {
  readonly remove: readonly string[]
  /** After everything to remove is gone. */
  readonly rename: readonly { readonly from: string; readonly to: string }[]
}

/** Pure but for `endOffsetOf`, which says the offset after the last record of a `.log.swap` file. */
export function planInterruptedWork(
  names: readonly string[],
  endOffsetOf: (name: string) => number,
): InterruptedWork {
  const files = names.flatMap(name => {
    const parsed = parseSegmentFileName(name)
    return parsed === undefined ? [] : [{ name, ...parsed }]
  })
  const unfinished = files.filter(({ suffix }) => suffix === deletedSuffix || suffix === cleanedSuffix)
  // A segment that was being split leaves .cleaned and .swap files of one act: without all of them none may be used.
  const firstCleaned = Math.min(
    Infinity,
    ...files.filter(({ suffix }) => suffix === cleanedSuffix).map(({ baseOffset }) => baseOffset),
  )
  const swaps = files.filter(({ suffix }) => suffix === swapSuffix)
  const dropped = swaps.filter(({ baseOffset }) => baseOffset >= firstCleaned)
  const finished = swaps.filter(({ baseOffset }) => baseOffset < firstCleaned)
  const replacing = finished.filter(({ kind }) => kind === 'log')
  const from = Math.min(Infinity, ...replacing.map(({ baseOffset }) => baseOffset))
  const to = Math.max(-Infinity, ...replacing.map(({ name }) => endOffsetOf(name)))
  const replaced = files.filter(
    ({ suffix, kind, baseOffset }) =>
      suffix === '' && kind !== 'snapshot' && baseOffset >= from && baseOffset < to,
  )
  return {
    remove: [...unfinished, ...dropped, ...replaced].map(({ name }) => name),
    rename: finished.map(({ name }) => ({ from: name, to: name.slice(0, -swapSuffix.length) })),
  }
}

function endOffsetOf(disk: Disk, path: string): number {
  const file = disk.open(path, 'read')
  try {
    const scan = new HeaderScan((...read) => file.readSync(...read), 0, file.size())
    let endOffset = -1
    while (scan.next()) endOffset = scan.batch.nextOffset
    return endOffset
  } finally {
    file.close()
  }
}
