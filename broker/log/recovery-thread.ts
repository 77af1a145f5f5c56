import { parentPort } from 'node:worker_threads'
import { assert } from '../../runtime/assert.ts'
import { UnreadableLog } from './batch-check.ts'
import { DiskError, systemDisk } from './disk.ts'
import { type RecoveryJob, type RecoveryOutcome, recoverLog } from './recovery.ts'

// A worker thread that recovers logs, one after the other, in the order they are sent.

export interface RecoveryRequest {
  readonly id: number
  readonly job: RecoveryJob
}

export type RecoveryReply =
  | { readonly kind: 'read'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly outcome: RecoveryOutcome }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly message: string
      /** What the disk said; undefined when the log itself is the reason. */
      readonly disk: { readonly path: string; readonly code: string } | undefined
      readonly isUnreadable: boolean
    }

/** Progress is told once in so many bytes. */
const bytesPerReport = 16 * 1024 * 1024

assert(parentPort !== null, 'recovery-thread.ts runs as a worker thread only.')
const port = parentPort
port.on('message', ({ id, job }: RecoveryRequest) => port.postMessage(recover(id, job)))

function recover(id: number, job: RecoveryJob): RecoveryReply {
  let unreported = 0
  try {
    const outcome = recoverLog(systemDisk, job, bytes => {
      unreported += bytes
      if (unreported < bytesPerReport) return
      port.postMessage({ kind: 'read', id, bytes: unreported } satisfies RecoveryReply)
      unreported = 0
    })
    return { kind: 'done', id, outcome }
  } catch (error) {
    return {
      kind: 'failed',
      id,
      message: error instanceof Error ? error.message : String(error),
      disk: error instanceof DiskError ? { path: error.path, code: error.code } : undefined,
      isUnreadable: error instanceof UnreadableLog,
    }
  }
}
