import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import {
  type CleaningPlan,
  filthiest,
  isRollOverdue,
  isWorthCleaning,
  planCleaning,
} from './choose-log-to-clean.ts'
import { type CleaningOutcome, CleaningStopped } from './cleaning-job.ts'
import type { Compactor } from './compactor.ts'
import { type Disk, DiskError } from './disk.ts'
import { inSlices } from './in-slices.ts'
import type { Log } from './log.ts'
import { isCompacted, type LogSettings } from './log-settings.ts'
import { type CleaningMemory, makeCleaningJob } from './make-cleaning-job.ts'

/** The settings of a broker that its cleaner follows, by Kafka's names. They may change while it runs, but for the first. */
export interface CleanerSettings {
  readonly 'log.cleaner.enable': boolean
  readonly 'log.cleaner.threads': number
  readonly 'log.cleaner.io.max.bytes.per.second': number
  readonly 'log.cleaner.dedupe.buffer.size': number
  readonly 'log.cleaner.io.buffer.size': number
  readonly 'log.cleaner.io.buffer.load.factor': number
  readonly 'log.cleaner.backoff.ms': number
}

export interface CleanerParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings: () => CleanerSettings
  readonly topicSettings: (topic: string) => LogSettings
  /** Every log on disks that work. */
  readonly logs: () => Iterable<Log>
  readonly compactor: Compactor
  /** Resolves when the recovery points of all logs, as they are now, are on the device: they survive a power cut. */
  readonly settleRecoveryPoints: () => Promise<void>
  /** Writes how far logs are compacted. */
  readonly checkpoint: () => Promise<void>
}

/** What a cleaning was like, for the metrics. */
export interface CleaningReport {
  readonly seconds: number
  readonly outcome: CleaningOutcome
  readonly overdueMs: number
}

/** How long a log rests whose cleaning was broken off or met a full disk. */
const restAfterFailureMs = 60_000
const leastBackoffMs = 10

/** Failures of the disk that pass. */
const passingCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'])

/**
 * Compacts the logs whose topics ask for it, the filthiest first. Reading and writing are done by the compactor, on threads of
 * its own; here the new segments are put in their place. A log that cannot be cleaned is left as it is, is told of, and is
 * not tried again before the next start.
 *
 * Only what is known on the device to be flushed is cleaned: cleaned segments have gaps between them, and recovery takes a gap
 * above the recovery point for lost records.
 */
export class Cleaner {
  readonly #parts: CleanerParts
  /** Cleanings under way by the folder of their log: the folder, because a topic may be deleted and made again meanwhile. */
  readonly #running = new Map<string, { readonly log: Log; readonly done: Promise<void> }>()
  /** Monotonic times before which a log is not looked at. */
  readonly #resting = new WeakMap<Log, number>()
  #reports: CleaningReport[] = []
  #timer: Timer | undefined
  #isChoosing = false
  #isStopped = false
  #chosenAtMs: number
  #maxDirtyRatio = 0

  constructor(parts: CleanerParts) {
    this.#parts = parts
    this.#chosenAtMs = parts.clock.monotonicMs()
  }

  /** The last cleanings, one for each thread. */
  get reports(): readonly CleaningReport[] {
    return this.#reports
  }

  /** When it last looked for something to clean. */
  get idleMs(): number {
    return this.#parts.clock.monotonicMs() - this.#chosenAtMs
  }

  /** Of the logs that it saw then, 0–1. */
  get maxDirtyRatio(): number {
    return this.#maxDirtyRatio
  }

  /** How much waits in each log that could not be cleaned; undefined for the others. */
  *uncleanable(): Generator<{ readonly log: Log; readonly dirtyBytes: number | undefined }, void, undefined> {
    for (const log of this.#parts.logs()) {
      const isUncleanable = log.cleaning.uncleanable !== undefined
      yield { log, dirtyBytes: isUncleanable ? this.#plan(log).dirtyBytes : undefined }
    }
  }

  start(): void {
    if (this.#parts.settings()['log.cleaner.enable']) this.#lookAgain()
  }

  /** Breaks off what is under way. Afterwards nothing of it touches the logs. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    const running = [...this.#running.values()]
    for (const { log } of running) log.cleaning.stop()
    await this.#parts.compactor.close()
    await Promise.all(running.map(({ done }) => done))
  }

  #lookAgain(): void {
    this.#timer?.cancel()
    const backoffMs = Math.max(leastBackoffMs, this.#parts.settings()['log.cleaner.backoff.ms'])
    this.#timer = this.#parts.clock.after(backoffMs, () => this.#wake())
  }

  #wake(): void {
    if (this.#isStopped || this.#isChoosing) return
    this.#isChoosing = true
    void this.#startCleanings()
      .catch((error: unknown) => {
        this.#parts.logger.error({ err: error }, 'Looking for logs to compact has failed.')
      })
      .finally(() => {
        this.#isChoosing = false
        if (this.#isStopped) return
        if (this.#running.size === 0) this.#parts.compactor.rest()
        this.#lookAgain()
      })
  }

  async #startCleanings(): Promise<void> {
    while (!this.#isStopped && this.#running.size < this.#parts.settings()['log.cleaner.threads']) {
      const log = await this.#choose()
      if (log === undefined || this.#isStopped) return
      const { directory } = log
      const done = this.#clean(log).finally(() => {
        this.#running.delete(directory)
        this.#wake()
      })
      this.#running.set(directory, { log, done })
    }
  }

  async #choose(): Promise<Log | undefined> {
    const { clock, logs } = this.#parts
    this.#chosenAtMs = clock.monotonicMs()
    const candidates: { readonly log: Log; readonly plan: CleaningPlan }[] = []
    let maxDirtyRatio = 0
    await inSlices(clock, [...logs()], log => {
      const settings = this.#parts.topicSettings(log.topic)
      if (!isCompacted(settings) || !this.#mayBeCleaned(log)) return
      const active = log.segments.at(-1)
      if (active !== undefined && isRollOverdue(active, settings, clock.nowMs())) log.roll()
      const plan = this.#plan(log)
      maxDirtyRatio = Math.max(maxDirtyRatio, plan.dirtyRatio)
      if (isWorthCleaning(plan, settings)) candidates.push({ log, plan })
    })
    this.#maxDirtyRatio = maxDirtyRatio
    return filthiest(candidates.filter(({ log }) => this.#mayBeCleaned(log)))?.log
  }

  #mayBeCleaned(log: Log): boolean {
    if (log.failure !== undefined || log.cleaning.uncleanable !== undefined) return false
    if (this.#running.has(log.directory)) return false
    return (this.#resting.get(log) ?? 0) <= this.#parts.clock.monotonicMs()
  }

  /** `settledOffset`: below it everything is known to be flushed after a crash, too. */
  #plan(log: Log, settledOffset = Number.POSITIVE_INFINITY): CleaningPlan {
    const facts = {
      segments: log.segments,
      logStartOffset: log.logStartOffset,
      lastStableOffset: Math.min(log.lastStableOffset, settledOffset),
      firstDirtyOffset: log.cleaning.firstDirtyOffset,
      nowMs: this.#parts.clock.nowMs(),
    }
    return planCleaning(facts, this.#parts.topicSettings(log.topic))
  }

  /** Never rejects. */
  async #clean(log: Log): Promise<void> {
    const { clock, logger } = this.#parts
    const { topic, partition } = log
    const startedAtMs = clock.monotonicMs()
    try {
      const plan = await this.#settledPlan(log)
      const outcome = plan === undefined ? undefined : await this.#compact(log, plan)
      if (plan === undefined || outcome === undefined) {
        this.#rest(log, this.#parts.settings()['log.cleaner.backoff.ms'])
        return
      }
      const seconds = (clock.monotonicMs() - startedAtMs) / 1000
      this.#report({ seconds, outcome, overdueMs: plan.overdueMs })
      const { endOffset, bytesBefore, bytesAfter, mappedKeys } = outcome
      logger.info(
        { topic, partition, endOffset, bytesBefore, bytesAfter, keys: mappedKeys, seconds },
        'A log was compacted.',
      )
      await this.#parts.checkpoint()
      // While it was being compacted, retention had to wait.
      log.deleteOldSegments(clock.nowMs())
    } catch (error) {
      const wasUnderWay = log.cleaning.end()
      this.#failed(log, error, wasUnderWay)
    }
  }

  /** Flushes what is to be cleaned. Undefined when there is nothing to do, or not yet. */
  async #settledPlan(log: Log): Promise<CleaningPlan | undefined> {
    if (log.recoveryPoint < this.#plan(log).upToOffset) await log.flush()
    const settledOffset = log.recoveryPoint
    await this.#parts.settleRecoveryPoints()
    if (this.#isStopped || !this.#mayStillBeCleaned(log)) return undefined
    const plan = this.#plan(log, Math.min(settledOffset, log.recoveryPoint))
    return plan.dirtyBytes > 0 ? plan : undefined
  }

  /** It may have been deleted, moved or lost its disk while we waited. */
  #mayStillBeCleaned(log: Log): boolean {
    if (log.failure !== undefined) return false
    for (const other of this.#parts.logs()) if (other === log) return true
    return false
  }

  /** Undefined when the log had to change meanwhile. */
  async #compact(log: Log, plan: CleaningPlan): Promise<CleaningOutcome | undefined> {
    const { compactor, clock, random, disk } = this.#parts
    const job = makeCleaningJob(log, plan, {
      settings: this.#parts.topicSettings(log.topic),
      memory: this.#memory(),
      random,
      nowMs: clock.nowMs(),
    })
    const running = compactor.clean(job, {
      onGroup: group => log.swapIn(group),
      bytesPerSecond: () => this.#share('log.cleaner.io.max.bytes.per.second'),
    })
    log.cleaning.begin(() => running.stop())
    const outcome = await running.outcome
    if (log.cleaning.isUnderWay) await disk.directorySynced(job.directory)
    if (!log.cleaning.end()) return undefined
    log.cleaning.cleanedTo(outcome.endOffset)
    return outcome
  }

  #memory(): CleaningMemory {
    return {
      mapBytes: this.#share('log.cleaner.dedupe.buffer.size'),
      mapLoadFactor: this.#parts.settings()['log.cleaner.io.buffer.load.factor'],
      bufferBytes: this.#share('log.cleaner.io.buffer.size'),
    }
  }

  /** What one thread may have of what all share. */
  #share(
    setting:
      | 'log.cleaner.io.max.bytes.per.second'
      | 'log.cleaner.dedupe.buffer.size'
      | 'log.cleaner.io.buffer.size',
  ): number {
    const settings = this.#parts.settings()
    return settings[setting] / Math.max(1, settings['log.cleaner.threads'])
  }

  #rest(log: Log, forMs: number): void {
    this.#resting.set(log, this.#parts.clock.monotonicMs() + forMs)
  }

  #report(report: CleaningReport): void {
    this.#reports = [report, ...this.#reports].slice(
      0,
      Math.max(1, this.#parts.settings()['log.cleaner.threads']),
    )
  }

  #failed(log: Log, error: unknown, wasUnderWay: boolean): void {
    const { logger } = this.#parts
    const { topic, partition } = log
    this.#rest(log, restAfterFailureMs)
    // Whatever went wrong after the log had changed under the cleaning is no wonder.
    if (error instanceof CleaningStopped || this.#isStopped || !wasUnderWay || log.failure !== undefined)
      return
    if (error instanceof DiskError && passingCodes.has(error.code)) {
      logger.warn({ topic, partition, err: error }, 'A log could not be compacted; it is tried again later.')
    } else if (error instanceof DiskError) {
      log.takeOffline(error)
    } else {
      log.cleaning.uncleanable = error instanceof Error ? error.message : String(error)
      logger.error(
        { topic, partition, err: error },
        'A log cannot be compacted, and is left as it is until the next start.',
      )
    }
  }
}
