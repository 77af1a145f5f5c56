/** A figure of the goals, measured or not. */
export interface Figure {
  readonly what: string
  readonly goal: string
  readonly measured: string
  readonly isReached: boolean
  /** More that was seen on the way. */
  readonly details?: readonly string[]
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`
}

/** One duration, or all of several and the longest of them, which is the one that counts. */
export function durations(allMs: readonly number[]): string {
  const longest = seconds(Math.max(...allMs))
  return allMs.length === 1 ? longest : `${longest}, the longest of ${allMs.map(seconds).join(', ')}`
}
