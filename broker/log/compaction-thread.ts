import { parentPort } from 'node:worker_threads'
import { assert } from '../../runtime/assert.ts'
import { systemClock } from '../../runtime/clock.ts'
import { cleanLog } from './clean-log.ts'
import { type CleanedGroup, type CleaningJob, type CleaningOutcome, CleaningStopped } from './cleaning-job.ts'
import { DiskError, systemDisk } from './disk.ts'
import { IoLimit } from './io-limit.ts'

// A worker thread that compacts one log at a time.

export interface CompactionRequest {
  readonly job: CleaningJob
  readonly shared: SharedControl
}

/** Memory of both threads, so that a thread that is busy learns of a change at once. */
export interface SharedControl {
  /** One word: not 0 when the cleaning is to stop. */
  readonly stop: Int32Array
  /** One number. */
  readonly bytesPerSecond: Float64Array
}

export type CompactionReply =
  | { readonly kind: 'group'; readonly group: CleanedGroup }
  | { readonly kind: 'done'; readonly outcome: CleaningOutcome }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly isStopped: boolean
      /** What the disk said; undefined when the log itself is the reason. */
      readonly disk: { readonly path: string; readonly code: string } | undefined
    }

assert(parentPort !== null, 'compaction-thread.ts runs as a worker thread only.')
const port = parentPort
const tell = (reply: CompactionReply): void => port.postMessage(reply)
port.on('message', (request: CompactionRequest) => void compact(request))

async function compact({ job, shared }: CompactionRequest): Promise<void> {
  const isStopped = (): boolean => Atomics.load(shared.stop, 0) !== 0
  const limit = new IoLimit(systemClock, () => shared.bytesPerSecond[0]!, isStopped)
  try {
    const outcome = await cleanLog(systemDisk, job, {
      isStopped,
      spend: bytes => limit.spend(bytes),
      onGroup: group => tell({ kind: 'group', group }),
    })
    tell({ kind: 'done', outcome })
  } catch (error) {
    tell({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
      isStopped: error instanceof CleaningStopped,
      disk: error instanceof DiskError ? { path: error.path, code: error.code } : undefined,
    })
  }
}
