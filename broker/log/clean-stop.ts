/** There after a clean stop and only then; removed at the next start. Says that every file of the directory is whole. */
export const cleanStopFileName = '.kafka_cleanshutdown'

export function formatCleanStop(brokerEpoch: number): string {
  return JSON.stringify({ version: 0, brokerEpoch })
}

/** The epoch that the broker had when it stopped; -1 when the file does not say. */
export function parseCleanStop(text: string): number {
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content !== 'object' || content === null || !('brokerEpoch' in content)) return -1
    return typeof content.brokerEpoch === 'number' && Number.isSafeInteger(content.brokerEpoch)
      ? content.brokerEpoch
      : -1
  } catch {
    return -1
  }
}

/** How a log ended when the broker stopped cleanly. */
export interface LogEnd {
  readonly endOffset: number
  /** Base offset and size of the last segment: what must still be so for the rest to be believed. */
  readonly segmentBase: number
  readonly segmentBytes: number
}

/**
 * Written beside the clean-stop file, and removed with it, so that a start need not open the data of ten thousand logs to
 * know where they end. Kafka has no such file and does without.
 */
export const logEndsFileName = '.log-ends'

/** `0`, the number of entries, then `replica endOffset segmentBase segmentBytes` a line. */
export function formatLogEnds(ends: readonly { readonly replica: string; readonly end: LogEnd }[]): string {
  const lines = ends.map(
    ({ replica, end }) => `${replica} ${end.endOffset} ${end.segmentBase} ${end.segmentBytes}\n`,
  )
  return `0\n${lines.length}\n${lines.join('')}`
}

/** By replica name; empty when the file is not as it should be. */
export function parseLogEnds(text: string): ReadonlyMap<string, LogEnd> {
  const lines = text.split('\n')
  const ends = new Map<string, LogEnd>()
  for (const line of lines.slice(2)) {
    const match = /^(\S+) (\d+) (\d+) (\d+)$/.exec(line)
    if (match === null) continue
    const [, replica = '', endOffset, segmentBase, segmentBytes] = match
    ends.set(replica, {
      endOffset: Number(endOffset),
      segmentBase: Number(segmentBase),
      segmentBytes: Number(segmentBytes),
    })
  }
  return lines[0] === '0' && lines[1] === String(ends.size) ? ends : new Map()
}
