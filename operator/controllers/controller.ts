/**
 * The one loop of all kinds: key → reconcile → again later, at once, or when something changes. So many keys at a time,
 * one worker per key. A failure is told in the log once, counted, and tried again later.
 */
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { OperatorMetrics } from './operator-metrics.ts'
import { WorkQueue } from './work-queue.ts'

/** Undefined: nothing is to be done before something changes. */
export interface Outcome {
  readonly againAfterMs?: number | undefined
}

export interface ControllerParts {
  readonly name: string
  readonly reconcile: (key: string) => Promise<Outcome>
  /** Least wait after this failure. */
  readonly retryAfterMs?: (error: unknown) => number
  readonly workers: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: OperatorMetrics
}

export class Controller {
  readonly #parts: ControllerParts
  readonly #queue: WorkQueue
  #workers: Promise<void>[] = []

  constructor(parts: ControllerParts) {
    this.#parts = parts
    this.#queue = new WorkQueue(parts.clock, parts.random, {
      observer: parts.metrics.queueObserver(parts.name),
    })
    parts.metrics.setWorkers(parts.name, parts.workers)
  }

  enqueue(key: string): void {
    this.#queue.add(key)
  }

  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs)
  }

  start(): void {
    this.#workers = Array.from({ length: this.#parts.workers }, () => this.#work())
  }

  /** Lets work in progress end. */
  async stop(): Promise<void> {
    this.#queue.close()
    await Promise.all(this.#workers)
  }

  async #work(): Promise<void> {
    for (;;) {
      const key = await this.#queue.take()
      if (key === undefined) return
      await this.#reconcile(key)
      this.#queue.done(key)
    }
  }

  async #reconcile(key: string): Promise<void> {
    const { name, clock, logger, metrics, reconcile } = this.#parts
    const startedAtMs = clock.monotonicMs()
    const finished = metrics.reconciling(name)
    try {
      const { againAfterMs } = await reconcile(key)
      this.#queue.forgive(key)
      if (againAfterMs !== undefined) this.#queue.addAfter(key, againAfterMs)
      const result = againAfterMs === undefined ? 'success' : 'requeue_after'
      finished(result, clock.monotonicMs() - startedAtMs, clock.nowMs())
    } catch (error) {
      const delayMs = this.#queue.retry(key, this.#parts.retryAfterMs?.(error) ?? 0)
      finished('error', clock.monotonicMs() - startedAtMs, clock.nowMs())
      logger.warn({ err: error, controller: name, key, delayMs }, 'Reconciling failed; it is tried again.')
    }
  }
}
