import { randomInt } from '../../runtime/random.ts'
import type { LogOptions } from './log-options.ts'
import type { OpenFiles } from './open-files.ts'
import { Segment } from './segment.ts'

/** `hasNoFiles`: no file stands at any name of the segment, so that none is looked for. */
export type CreateSegment = (baseOffset: number, hasNoFiles?: boolean) => Segment

/** An empty segment as the settings of the log want it now; how much sooner than others it is rolled is drawn for each. */
export function newSegment(
  options: LogOptions,
  files: OpenFiles,
  directory: string,
  baseOffset: number,
  hasNoFiles = false,
): Segment {
  const settings = options.settings()
  const jitterMs = Math.min(settings['segment.jitter.ms'], settings['segment.ms'])
  return Segment.create({
    files,
    directory,
    baseOffset,
    hasNoFiles,
    indexIntervalBytes: settings['index.interval.bytes'],
    createdAtMs: options.clock.nowMs(),
    rollJitterMs: jitterMs > 0 ? randomInt(options.random, jitterMs) : 0,
  })
}
