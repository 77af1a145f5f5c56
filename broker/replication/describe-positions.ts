import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RecordTimes } from '../log/record-times.ts'
import type { Partitions } from './partitions.ts'

interface AtLeader {
  /** Null: this broker does not lead the partition. */
  readonly highWatermark: number | null
  /** Of the record at the position, ms since the epoch; null: there is none, or it is not known. */
  readonly timeMs: number | null
}

const nothing: AtLeader = { highWatermark: null, timeMs: null }
/** After so many the loop goes on with something else. */
const atOnce = 100

/**
 * The high watermark and the time of the record at each position, in order, for partitions that this broker leads. What
 * stands on the disk is read one after the other; past `untilMs` (monotonic) no more is, and comes without its time.
 */
export async function describePositions(
  asked: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
  parts: {
    readonly partitions: Pick<Partitions, 'leader'>
    readonly times: RecordTimes
    readonly monotonicMs: () => number
    readonly untilMs: number
  },
): Promise<readonly AtLeader[]> {
  const { partitions, times, monotonicMs, untilMs } = parts
  const found: AtLeader[] = []
  for (const { topic, partition, offset } of asked) {
    if (found.length % atOnce === atOnce - 1) await nextTurn()
    const replica = partitions.leader(topic, partition)
    if (typeof replica === 'string') {
      found.push(nothing)
      continue
    }
    const { log } = replica
    const { highWatermark } = log
    const hasRecord = offset < highWatermark && monotonicMs() < untilMs
    found.push({ highWatermark, timeMs: (hasRecord ? await times.find(log, offset) : undefined) ?? null })
  }
  return found
}
