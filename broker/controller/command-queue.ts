import type { ErrorName } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import { QueueRefused, SerialQueue } from '../../runtime/serial-queue.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { Batch, BatchRunner } from './batch.ts'
import { decideInTurn } from './decision.ts'

const mostQueued = 1000

/** The controller's work, one piece at a time. Before each command `prepare` runs. */
export class CommandQueue {
  readonly #images: ImageFollower
  readonly #clock: Clock
  readonly #batches: BatchRunner
  readonly #isActive: () => boolean
  readonly #prepare: () => Promise<void>
  readonly #queue = new SerialQueue(mostQueued)
  #closed = false

  constructor(options: {
    readonly images: ImageFollower
    readonly clock: Clock
    readonly batches: BatchRunner
    /** Whether this broker's lease is known to be valid and its controllership not ended. */
    readonly isActive: () => boolean
    readonly prepare: () => Promise<void>
  }) {
    this.#images = options.images
    this.#clock = options.clock
    this.#batches = options.batches
    this.#isActive = options.isActive
    this.#prepare = options.prepare
  }

  /** What is still queued answers NOT_CONTROLLER; resolves when the piece at work has ended. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#queue.close()
  }

  /** Queues work that nobody waits for. False when there is no room for it. */
  enqueue(job: () => Promise<void>): Promise<boolean> {
    return this.#queue.run(job).then(
      () => true,
      (error: unknown) => {
        if (error instanceof QueueRefused) return false
        throw error
      },
    )
  }

  /** Decides and commits item by item; `validateOnly` only decides. */
  runBatch<Item, Result>(
    { timeoutMs, validateOnly = false }: { readonly timeoutMs: number; readonly validateOnly?: boolean },
    makeBatch: (image: MetadataImage) => Batch<Item, Result>,
  ): Promise<Result[]> {
    const run = async (): Promise<Result[]> => {
      const { image } = this.#images
      const batch = makeBatch(image)
      if (!validateOnly) return this.#batches.run(batch)
      return decideInTurn(image, batch.items, (draft, item) => batch.decide(draft, item)).map(
        decision => decision.result,
      )
    }
    const refuseAll = (error: ErrorName, message: string): Result[] => {
      const batch = makeBatch(this.#images.image)
      return batch.items.map(item => batch.refuse(item, error, message))
    }
    return this.submit(timeoutMs, run, refuseAll)
  }

  /** Queues a command. Past its deadline the caller is answered and, if the command has not begun, nothing is done. */
  submit<R>(
    timeoutMs: number,
    run: () => Promise<R>,
    refuse: (error: ErrorName, message: string) => R,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = this.#clock.after(Math.max(0, timeoutMs), () => {
        isLate = true
        resolve(refuse('REQUEST_TIMED_OUT', `The controller did not finish within ${timeoutMs} ms.`))
      })
      const job = async (): Promise<void> => {
        if (isLate) return
        await this.#prepare()
        // What it would say to a question it cannot commit to might be long out of date.
        if (this.#closed || !this.#isActive()) resolve(refuse('NOT_CONTROLLER', deposed))
        else resolve(await run())
      }
      this.#queue
        .run(job)
        .catch((error: unknown) => {
          if (!(error instanceof QueueRefused)) reject(error)
          else if (this.#closed) resolve(refuse('NOT_CONTROLLER', deposed))
          else resolve(refuse('REQUEST_TIMED_OUT', `The controller is busy: ${error.message}`))
        })
        .finally(() => timer.cancel())
    })
  }
}

const deposed = 'This broker is no longer the active controller.'
