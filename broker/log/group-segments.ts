export interface SegmentToGroup {
  readonly baseOffset: number
  readonly sizeInBytes: number
}

export type SegmentGroup<Grouped> = [Grouped, ...Grouped[]]

export interface GroupLimits {
  /** The settings segment.bytes, segment.index.bytes and index.interval.bytes. */
  readonly segmentBytes: number
  readonly indexBytes: number
  readonly indexIntervalBytes: number
}

/** Bytes of an entry in the larger of the two indexes. */
const indexEntryBytes = 12

/** So that putting one group in its place, with its renames, does not hold up the loop. */
const mostSegmentsPerGroup = 64

const greatestRelativeOffset = 2 ** 31 - 1

/**
 * Neighbouring segments that together fit one segment, from the first on: each group becomes one segment. A segment that
 * is too large by itself is a group by itself. `endOffset`: exclusive, of the last segment.
 */
export function groupSegments<Grouped extends SegmentToGroup>(
  segments: readonly Grouped[],
  endOffset: number,
  limits: GroupLimits,
): SegmentGroup<Grouped>[] {
  const groups: SegmentGroup<Grouped>[] = []
  let group: SegmentGroup<Grouped> | undefined
  let sizeInBytes = 0
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1]?.baseOffset ?? endOffset
    const grown = sizeInBytes + segment.sizeInBytes
    if (
      group !== undefined &&
      group.length < mostSegmentsPerGroup &&
      grown <= limits.segmentBytes &&
      (grown / (limits.indexIntervalBytes + 1)) * indexEntryBytes <= limits.indexBytes &&
      end - 1 - group[0].baseOffset <= greatestRelativeOffset
    ) {
      group.push(segment)
      sizeInBytes = grown
    } else {
      group = [segment]
      groups.push(group)
      sizeInBytes = segment.sizeInBytes
    }
  }
  return groups
}
