/** Names of the files of a partition, as Kafka gives them. */

export type SegmentFileKind = 'log' | 'index' | 'timeindex' | 'txnindex' | 'snapshot'

/** Files renamed to this suffix are removed after file.delete.delay.ms, or at the next start. */
export const deletedSuffix = '.deleted'
/** The same while another file of that name still waits for its removal: compaction replaces a segment again and again. */
export function furtherDeletedSuffix(count: number): string {
  return `.${count}${deletedSuffix}`
}
/** Compaction writes to this suffix; unfinished work, removed at the next start. */
export const cleanedSuffix = '.cleaned'
/** Compaction's finished segments that are taking the place of the old ones; finished at the next start. */
export const swapSuffix = '.swap'

/** `00000000000000000042.index` for offset 42. */
export function segmentFileName(baseOffset: number, kind: SegmentFileKind, suffix = ''): string {
  return `${String(baseOffset).padStart(20, '0')}.${kind}${suffix}`
}

/** Undefined for a name that is not one of a segment's files. */
export function parseSegmentFileName(
  name: string,
): { readonly baseOffset: number; readonly kind: SegmentFileKind; readonly suffix: string } | undefined {
  const match =
    /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(?:\.\d+(?=\.deleted))?(\.deleted|\.cleaned|\.swap|)$/.exec(
      name,
    )
  if (match === null) return undefined
  const [, digits = '', kind = '', suffix = ''] = match
  const baseOffset = Number(digits)
  return Number.isSafeInteger(baseOffset) && isKind(kind) ? { baseOffset, kind, suffix } : undefined
}

function isKind(word: string): word is SegmentFileKind {
  return (
    word === 'log' || word === 'index' || word === 'timeindex' || word === 'txnindex' || word === 'snapshot'
  )
}
