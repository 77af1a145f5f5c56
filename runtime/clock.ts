/** Time enters the program here, so that tests and simulations can run it on a clock of their own. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. May jump; only for timestamps that people or records see. */
  nowMs(): number
  /** Milliseconds that never go back; for durations, deadlines and lease validity. */
  monotonicMs(): number
  /** Calls `job` once after `delayMs` (>= 0). */
  after(delayMs: number, job: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, job) {
    let timer: NodeJS.Timeout
    const longestMs = 2 ** 31 - 1
    const arm = (remainingMs: number): void => {
      timer = setTimeout(
        () => (remainingMs > longestMs ? arm(remainingMs - longestMs) : job()),
        Math.min(remainingMs, longestMs),
      )
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Resolves after `delayMs`, or rejects with the signal's reason when `signal` is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Runs `job` every `periodMs`, the next run counted from the end of the last; stops when cancelled. */
export function every(clock: Clock, periodMs: number, job: () => void): Timer {
  let timer: Timer
  let cancelled = false
  const arm = (): void => {
    timer = clock.after(periodMs, () => {
      job()
      if (!cancelled) arm()
    })
  }
  arm()
  return {
    cancel() {
      cancelled = true
      timer.cancel()
    },
  }
}
