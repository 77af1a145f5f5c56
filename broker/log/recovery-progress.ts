import type { Clock } from '../../runtime/clock.ts'

/** How far the logs have been opened at start-up. All zero once everything is. */
export interface RecoveryProgress {
  /** Logs that are not open yet. */
  readonly remainingLogs: number
  /** Segments that are still to be read again; only after an unclean stop. */
  readonly remainingSegments: number
  readonly remainingBytes: number
}

/** What one log has yet to be read again. */
export interface UnreadLog {
  segments: number
  bytes: number
}

const reportEveryMs = 1000

/** Counts down, and tells somebody once a second and at the end. */
export class RecoveryTracker {
  readonly #clock: Clock
  readonly #onProgress: (progress: RecoveryProgress) => void
  #remainingLogs = 0
  #remainingSegments = 0
  #remainingBytes = 0
  #reportedAtMs: number

  constructor(clock: Clock, onProgress: (progress: RecoveryProgress) => void) {
    this.#clock = clock
    this.#onProgress = onProgress
    this.#reportedAtMs = clock.monotonicMs()
  }

  get progress(): RecoveryProgress {
    return {
      remainingLogs: this.#remainingLogs,
      remainingSegments: this.#remainingSegments,
      remainingBytes: this.#remainingBytes,
    }
  }

  logsFound(count: number): void {
    this.#remainingLogs += count
  }

  unreadFound(unread: UnreadLog): void {
    this.#remainingSegments += unread.segments
    this.#remainingBytes += unread.bytes
  }

  /** `bytes` of `unread` have been read. */
  read(unread: UnreadLog, bytes: number): void {
    const counted = Math.min(bytes, unread.bytes)
    unread.bytes -= counted
    this.#remainingBytes -= counted
    this.#report()
  }

  /** The log is open, or given up; nothing of it remains. */
  logDone(unread?: UnreadLog): void {
    this.#remainingLogs--
    this.#remainingSegments -= unread?.segments ?? 0
    this.#remainingBytes -= unread?.bytes ?? 0
    this.#report()
  }

  #report(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#remainingLogs > 0 && nowMs - this.#reportedAtMs < reportEveryMs) return
    this.#reportedAtMs = nowMs
    this.#onProgress(this.progress)
  }
}
