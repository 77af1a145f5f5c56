import type { Disk } from './disk.ts'
import { type RecoveryJob, type RecoveryOutcome, recoverLog } from './recovery.ts'

/** Where logs are read again: in worker threads, or inline where a simulation wants everything in one place. */
export interface Recoverer {
  /** `onRead` is told of bytes that have been read since the last call. Rejects with DiskError when the disk fails. */
  recover(job: RecoveryJob, onRead: (bytes: number) => void): Promise<RecoveryOutcome>
  /** Ends the threads; what is still running is given up. */
  close(): Promise<void>
}

/** On this thread, on any disk. */
export function inlineRecoverer(disk: Disk): Recoverer {
  return {
    recover: async (job, onRead) => recoverLog(disk, job, onRead),
    close: async () => {},
  }
}
