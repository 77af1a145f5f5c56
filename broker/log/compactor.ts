import type { Clock } from '../../runtime/clock.ts'
import { cleanLog } from './clean-log.ts'
import type { CleanedGroup, CleaningJob, CleaningOutcome } from './cleaning-job.ts'
import type { Disk } from './disk.ts'
import { IoLimit } from './io-limit.ts'

export interface CleaningListener {
  /** A group stands ready, and on the device. Groups come in order; none after the cleaning was stopped. */
  readonly onGroup: (group: CleanedGroup) => void
  /** Of reading and writing together; may change meanwhile. */
  readonly bytesPerSecond: () => number
}

/** A cleaning under way. */
export interface RunningCleaning {
  /** Rejects as `cleanLog` does, and when the thread that did it has ended. */
  readonly outcome: Promise<CleaningOutcome>
  /** No further group is given out. The outcome still has to be waited for: until then files may be written. */
  stop(): void
}

/** Where logs are compacted: in worker threads, or inline where a simulation wants everything in one place. */
export interface Compactor {
  clean(job: CleaningJob, listener: CleaningListener): RunningCleaning
  /** Gives back threads that have nothing to do. */
  rest(): void
  /** Ends the threads; what is still running is given up. */
  close(): Promise<void>
}

/** On this thread, on any disk. */
export function inlineCompactor(disk: Disk, clock: Clock): Compactor {
  return {
    clean(job, { onGroup, bytesPerSecond }) {
      let isStopped = false
      const limit = new IoLimit(clock, bytesPerSecond, () => isStopped)
      const outcome = cleanLog(disk, job, {
        isStopped: () => isStopped,
        spend: bytes => limit.spend(bytes),
        onGroup: group => {
          if (!isStopped) onGroup(group)
        },
      })
      return {
        outcome,
        stop: () => {
          isStopped = true
        },
      }
    },
    rest: () => {},
    close: async () => {},
  }
}
