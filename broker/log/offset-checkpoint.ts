/**
 * A text file with one offset for each replica of a log directory: `0`, the number of entries, then
 * `topic partition offset` a line. Keys of the map are replica names (`orders-3`).
 */
export type ReplicaOffsets = ReadonlyMap<string, number>

export const checkpointFileNames = {
  recoveryPoint: 'recovery-point-offset-checkpoint',
  logStart: 'log-start-offset-checkpoint',
  highWatermark: 'replication-offset-checkpoint',
  cleaner: 'cleaner-offset-checkpoint',
} as const

export type CheckpointKind = keyof typeof checkpointFileNames

export const checkpointKinds: readonly CheckpointKind[] = [
  'recoveryPoint',
  'logStart',
  'highWatermark',
  'cleaner',
]

export function formatOffsetCheckpoint(
  entries: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
): string {
  const lines = entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}\n`)
  return `0\n${lines.length}\n${lines.join('')}`
}

/**
 * Undefined when any line is not as it should be, or one is missing: of a damaged file nothing is believed. What the
 * offsets save is then found out the long way.
 */
export function parseOffsetCheckpoint(text: string): Map<string, number> | undefined {
  const lines = text.split('\n')
  if (lines[0]?.trim() !== '0') return undefined
  const count = lines[1]?.trim() ?? ''
  if (!/^\d+$/.test(count)) return undefined
  const offsets = new Map<string, number>()
  for (let index = 2; index < lines.length; index++) {
    const line = lines[index]!
    if (line === '') continue
    const match = /^(\S+) (\d+) (-?\d+)\s*$/.exec(line)
    if (match === null) return undefined
    const offset = Number(match[3])
    if (!Number.isSafeInteger(offset)) return undefined
    offsets.set(`${match[1]}-${match[2]}`, offset)
  }
  return offsets.size === Number(count) ? offsets : undefined
}
