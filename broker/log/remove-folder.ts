import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Disk } from './disk.ts'
import { inSlices } from './in-slices.ts'

/** Removes a folder and its files after `delayMs`, one file at a time: freeing a large one takes a while. Resolves early when aborted. */
export async function removeFolder(options: {
  readonly disk: Disk
  readonly clock: Clock
  readonly folder: string
  readonly delayMs: number
  readonly signal: AbortSignal
}): Promise<void> {
  const { disk, clock, folder, delayMs, signal } = options
  if (!(await slept(clock, delayMs, signal))) return
  const files = disk.readDirectory(folder).filter(({ kind }) => kind !== 'directory')
  await inSlices(clock, files, ({ name }) => disk.unlink(`${folder}/${name}`), signal)
  if (!signal.aborted) disk.removeDirectory(folder)
}

/** False when it was aborted. */
async function slept(clock: Clock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(clock, delayMs, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
