import { deferred } from './deferred.ts'

/** Runs asynchronous jobs one at a time, in the order they came; bounded; drains on close. */
export class SerialQueue {
  readonly #limit: number
  #waiting = 0
  #closed = false
  #tail: Promise<unknown> = Promise.resolve()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting
  }

  /** Rejects with QueueRefused when the queue is full or closed; else settles as the job does. */
  run<T>(job: () => T | Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new QueueRefused('The queue is closed.'))
    if (this.#waiting >= this.#limit) {
      return Promise.reject(new QueueRefused(`The queue already holds ${this.#limit} jobs.`))
    }
    this.#waiting++
    const result = deferred<T>()
    this.#tail = this.#tail.then(async () => {
      try {
        result.resolve(await job())
      } catch (error) {
        result.reject(error)
      } finally {
        this.#waiting--
      }
    })
    return result.promise
  }

  /** Refuses new jobs and resolves when those already taken are done. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#tail
  }
}

export class QueueRefused extends Error {
  override readonly name = 'QueueRefused'
}
