/** Whether a disk still takes new records, with the reason when it does not. */
export type DiskSpace = { readonly kind: 'enough' } | { readonly kind: 'full'; readonly message: string }

export interface SpaceFacts {
  readonly path: string
  readonly totalBytes: number
  readonly usableBytes: number
  /** The setting log.dirs.reserved.bytes. */
  readonly reservedBytes: number
}

/** A small disk is not kept empty because of a reserve that is meant for large ones. */
const greatestReservedShare = 0.1

/** So much more than the reserve has to be free before new records are taken again: else it would go to and fro. */
const resumeFactor = 1.25

/**
 * New records are refused before the disk is full, so that what needs a little room goes on: deletes, checkpoints,
 * metadata, a clean stop and a start.
 */
export function judgeSpace(facts: SpaceFacts, previous: DiskSpace): DiskSpace {
  const { path, totalBytes, usableBytes } = facts
  const reserved = Math.min(facts.reservedBytes, totalBytes * greatestReservedShare)
  const needed = previous.kind === 'full' ? reserved * resumeFactor : reserved
  if (usableBytes >= needed) return enough
  return {
    kind: 'full',
    message:
      `The disk of ${path} has ${inMegabytes(usableBytes)} left; no new records are taken ` +
      `until ${inMegabytes(reserved * resumeFactor)} are free. Fetching, deleting and retention go on.`,
  }
}

/** How long until it is worth looking again: soon where little is left, as a disk fills at up to a gigabyte a second. */
export function nextLookMs({ usableBytes, reservedBytes }: SpaceFacts): number {
  const spareBytes = usableBytes - reservedBytes
  return spareBytes > 16 * 2 ** 30 ? 5000 : spareBytes > 4 * 2 ** 30 ? 1000 : 100
}

export const enough: DiskSpace = { kind: 'enough' }

function inMegabytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`
}
