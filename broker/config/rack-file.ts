import { type Clock, sleep } from '../../runtime/clock.ts'
import type { SettingsFile } from './load-settings.ts'
import { formatProperties } from './properties.ts'

/** The rack out of `broker.rack.file`, as a file of settings; none when there is no rack, or it was not told in time. */
export interface RackFile {
  readonly file?: SettingsFile
  /** Sentences to log. */
  readonly notes: readonly string[]
}

const pollMs = 100
/** Written where a broker has no rack, so that it need not wait. */
const noRack = '-'

/**
 * Waits until the file says something: in Kubernetes it comes from an annotation of the pod, which is written once the
 * pod has a node. A broker that is not told goes on with the rack that its settings say, or without one.
 */
export async function waitForRack(
  path: string,
  {
    read,
    clock,
    withinMs,
    otherwise,
  }: {
    readonly read: () => string
    readonly clock: Clock
    readonly withinMs: number
    /** The rack that the settings say. */
    readonly otherwise: string | null
  },
): Promise<RackFile> {
  const deadlineMs = clock.monotonicMs() + withinMs
  for (;;) {
    const rack = textOf(read)
    if (rack === noRack) return { notes: [] }
    if (rack !== '')
      return { file: { name: path, text: formatProperties([['broker.rack', rack]]) }, notes: [] }
    if (clock.monotonicMs() >= deadlineMs) {
      const goesOn = otherwise === null ? 'this broker has no rack' : `it stays broker.rack=${otherwise}`
      return { notes: [`broker.rack.file: ${path} says nothing after ${withinMs} ms; ${goesOn}.`] }
    }
    await sleep(clock, pollMs)
  }
}

function textOf(read: () => string): string {
  try {
    return read().trim()
  } catch {
    // Not there yet is as good as empty.
    return ''
  }
}
