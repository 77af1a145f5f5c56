import type { Disk } from './disk.ts'
import { LeaderEpochs, type EpochStart } from './leader-epochs.ts'

export const leaderEpochFileName = 'leader-epoch-checkpoint'

/**
 * The epochs of the log in `directory`; none where there is no file (a log without data yet). Undefined when the file is
 * damaged: the epochs then have to be read from the batches again.
 */
export function readLeaderEpochs(disk: Disk, directory: string): LeaderEpochs | undefined {
  const content = disk.readFile(`${directory}/${leaderEpochFileName}`)
  if (content === undefined) return new LeaderEpochs()
  const entries = parseLeaderEpochs(content.toString('utf8'))
  return entries === undefined ? undefined : new LeaderEpochs(entries)
}

/** Writes the file if there are changes; it is on the device afterwards. Due before the recovery point moves, and at a close. */
export function saveLeaderEpochs(disk: Disk, directory: string, epochs: LeaderEpochs): void {
  if (!epochs.isDirty) return
  disk.writeFileAtomically(`${directory}/${leaderEpochFileName}`, formatLeaderEpochs(epochs.entries))
  epochs.saved()
}

/** `0`, the number of lines, then `epoch startOffset` a line. */
export function formatLeaderEpochs(entries: readonly EpochStart[]): string {
  const lines = entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`)
  return `0\n${entries.length}\n${lines.join('')}`
}

export function parseLeaderEpochs(text: string): EpochStart[] | undefined {
  const lines = text.split('\n')
  if (lines[0]?.trim() !== '0' || lines[1]?.trim() !== String(Number(lines[1]))) return undefined
  const entries: EpochStart[] = []
  for (const line of lines.slice(2)) {
    if (line.trim() === '') continue
    const match = /^(\d+) (\d+)\s*$/.exec(line)
    if (match === null) return undefined
    entries.push({ epoch: Number(match[1]), startOffset: Number(match[2]) })
  }
  return entries.length === Number(lines[1]) ? entries : undefined
}
