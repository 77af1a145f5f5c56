import { Worker } from 'node:worker_threads'
import { type Clock, every, type Timer } from '../../runtime/clock.ts'
import { type Deferred, deferred } from '../../runtime/deferred.ts'
import { type CleaningOutcome, CleaningStopped } from './cleaning-job.ts'
import type { CompactionReply, SharedControl } from './compaction-thread.ts'
import type { CleaningListener, Compactor } from './compactor.ts'
import { DiskError } from './disk.ts'

/** The thread's file lies beside this one, in the sources as in what is built from them. */
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './compaction-thread.ts' : './compaction-thread.js',
  import.meta.url,
)

/** Compacts logs on the system's disk, each cleaning in a worker thread of its own; threads are used again. */
export function compactionThreads(clock: Clock): Compactor {
  const idle: CompactionWorker[] = []
  const all = new Set<CompactionWorker>()

  const take = (): CompactionWorker => {
    const free = idle.pop()
    if (free !== undefined) return free
    const worker: CompactionWorker = new CompactionWorker(clock, () => {
      all.delete(worker)
      const index = idle.indexOf(worker)
      if (index >= 0) idle.splice(index, 1)
    })
    all.add(worker)
    return worker
  }

  return {
    clean(job, listener) {
      const worker = take()
      const shared: SharedControl = {
        stop: new Int32Array(new SharedArrayBuffer(4)),
        bytesPerSecond: new Float64Array(new SharedArrayBuffer(8)),
      }
      const outcome = worker.run({ job, shared }, listener).finally(() => {
        if (all.has(worker)) idle.push(worker)
      })
      return { outcome, stop: () => worker.stop() }
    },
    rest() {
      for (const worker of idle.splice(0)) void worker.end()
    },
    async close() {
      idle.length = 0
      await Promise.all([...all].map(worker => worker.end()))
    },
  }
}

/** How often a running thread is told the limit. */
const limitPeriodMs = 1000

interface Current {
  readonly listener: CleaningListener
  readonly shared: SharedControl
  readonly result: Deferred<CleaningOutcome>
  readonly limitTimer: Timer
}

class CompactionWorker {
  readonly #worker: Worker
  readonly #clock: Clock
  #current: Current | undefined

  constructor(clock: Clock, onEnded: () => void) {
    this.#clock = clock
    this.#worker = new Worker(threadFile)
    this.#worker.on('message', (reply: CompactionReply) => this.#onReply(reply))
    this.#worker.on('error', error => this.#settle(({ result }) => result.reject(error)))
    this.#worker.on('exit', () => {
      onEnded()
      const error = new Error('A compaction thread ended before its work was done.')
      this.#settle(({ result }) => result.reject(error))
    })
    // An idle thread does not keep the process alive.
    this.#worker.unref()
  }

  run(
    request: { readonly job: unknown; readonly shared: SharedControl },
    listener: CleaningListener,
  ): Promise<CleaningOutcome> {
    const { shared } = request
    const tellLimit = (): void => {
      shared.bytesPerSecond[0] = listener.bytesPerSecond()
    }
    tellLimit()
    const limitTimer = every(this.#clock, limitPeriodMs, tellLimit)
    this.#current = { listener, shared, result: deferred(), limitTimer }
    this.#worker.postMessage(request)
    return this.#current.result.promise
  }

  stop(): void {
    if (this.#current !== undefined) Atomics.store(this.#current.shared.stop, 0, 1)
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #onReply(reply: CompactionReply): void {
    switch (reply.kind) {
      case 'group':
        if (this.#current !== undefined && Atomics.load(this.#current.shared.stop, 0) === 0) {
          this.#current.listener.onGroup(reply.group)
        }
        break
      case 'done':
        this.#settle(({ result }) => result.resolve(reply.outcome))
        break
      case 'failed':
        this.#settle(({ result }) => result.reject(errorOf(reply)))
    }
  }

  #settle(how: (current: Current) => void): void {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    current.limitTimer.cancel()
    how(current)
  }
}

function errorOf({ message, disk, isStopped }: Extract<CompactionReply, { kind: 'failed' }>): Error {
  if (isStopped) return new CleaningStopped(message)
  return disk === undefined ? new Error(message) : new DiskError(message, disk.path, disk.code)
}
