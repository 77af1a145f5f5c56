import { Worker } from 'node:worker_threads'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import { UnreadableLog } from './batch-check.ts'
import { DiskError } from './disk.ts'
import type { Recoverer } from './recoverer.ts'
import type { RecoveryReply, RecoveryRequest } from './recovery-thread.ts'
import type { RecoveryOutcome } from './recovery.ts'

/** So many logs wait at a thread, so that it need not wait for this one between small logs. */
const queuedPerThread = 4

/** The thread's file lies beside this one, in the sources as in what is built from them. */
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './recovery-thread.ts' : './recovery-thread.js',
  import.meta.url,
)

/** Recovers logs on the system's disk in up to `threads` worker threads, started with the first jobs. */
export function recoveryThreads(threads: number): Recoverer {
  const running: RecoveryWorker[] = []
  const waiting: Running[] = []
  let nextId = 0

  const next = (): void => {
    while (waiting.length > 0) {
      const free = running.find(worker => worker.size < queuedPerThread)
      // A second thread is worth its start only when the first has enough to do.
      if (free === undefined && running.length >= threads) return
      const worker = free ?? new RecoveryWorker(next)
      if (free === undefined) running.push(worker)
      worker.run(waiting.shift()!)
    }
  }

  return {
    recover(job, onRead) {
      const result = deferred<RecoveryOutcome>()
      waiting.push({ request: { id: nextId++, job }, onRead, result })
      next()
      return result.promise
    },
    async close() {
      await Promise.all(running.splice(0).map(worker => worker.close()))
    },
  }
}

interface Running {
  readonly request: RecoveryRequest
  readonly onRead: (bytes: number) => void
  readonly result: Deferred<RecoveryOutcome>
}

class RecoveryWorker {
  readonly #worker: Worker
  readonly #running = new Map<number, Running>()
  readonly #onFree: () => void

  constructor(onFree: () => void) {
    this.#onFree = onFree
    this.#worker = new Worker(threadFile)
    this.#worker.on('message', (reply: RecoveryReply) => this.#onReply(reply))
    this.#worker.on('error', error => this.#failAll(error))
    this.#worker.on('exit', () =>
      this.#failAll(new Error('A recovery thread ended before its work was done.')),
    )
  }

  get size(): number {
    return this.#running.size
  }

  run(running: Running): void {
    this.#running.set(running.request.id, running)
    this.#worker.postMessage(running.request)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #onReply(reply: RecoveryReply): void {
    const running = this.#running.get(reply.id)
    if (running === undefined) return
    if (reply.kind === 'read') {
      running.onRead(reply.bytes)
      return
    }
    this.#running.delete(reply.id)
    if (reply.kind === 'done') running.result.resolve(reply.outcome)
    else running.result.reject(errorOf(reply))
    this.#onFree()
  }

  #failAll(error: Error): void {
    for (const { result } of this.#running.values()) result.reject(error)
    this.#running.clear()
  }
}

function errorOf(reply: Extract<RecoveryReply, { kind: 'failed' }>): Error {
  if (reply.disk !== undefined) return new DiskError(reply.message, reply.disk.path, reply.disk.code)
  return reply.isUnreadable ? new UnreadableLog(reply.message) : new Error(reply.message)
}
