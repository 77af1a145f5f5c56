import { type Clock, every, type Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { inSlices } from './in-slices.ts'
import type { Log } from './log.ts'

/** The first retention after a start, when everybody has come back. */
const firstRetentionMs = 30_000
/** flush.ms may be set for a topic whatever log.flush.scheduler.interval.ms says; so often it is looked at. */
const flushCheckMs = 1000
const idleCheckMs = 60_000
const producerExpirationCheckMs = 600_000

export interface UpkeepParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly logs: () => Iterable<Log>
  readonly retentionCheckMs: number
  readonly producerIdExpirationMs: () => number
}

/**
 * What has to be done for every log now and then: retention, due flushes, forgetting producers, giving back what idle logs hold.
 * Each goes through the logs a few milliseconds at a time.
 */
export class Upkeep {
  readonly #parts: UpkeepParts
  readonly #stop = new AbortController()
  readonly #timers: Timer[]

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    const { clock, retentionCheckMs } = parts
    const retention = this.#job('retention', log => void log.deleteOldSegments(clock.nowMs()))
    this.#timers = [
      clock.after(Math.min(firstRetentionMs, retentionCheckMs), retention),
      every(clock, retentionCheckMs, retention),
      every(
        clock,
        flushCheckMs,
        this.#job('flush', log => log.flushIfDue()),
      ),
      every(
        clock,
        idleCheckMs,
        this.#job('release', log => log.releaseIdle()),
      ),
      every(
        clock,
        producerExpirationCheckMs,
        this.#job(
          'producers',
          log => void log.producers.expire(clock.nowMs(), parts.producerIdExpirationMs()),
        ),
      ),
    ]
  }

  stop(): void {
    this.#stop.abort()
    for (const timer of this.#timers) timer.cancel()
  }

  /** A round that is still going on is not begun a second time. */
  #job(name: string, work: (log: Log) => void): () => void {
    const { clock, logger, logs } = this.#parts
    let isRunning = false
    const round = async (): Promise<void> => {
      isRunning = true
      try {
        await inSlices(clock, [...logs()], work, this.#stop.signal)
      } catch (error) {
        logger.error({ job: name, err: error }, 'A round of housekeeping over the logs has failed.')
      } finally {
        isRunning = false
      }
    }
    return () => {
      if (!isRunning) void round()
    }
  }
}
