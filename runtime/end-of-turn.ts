/**
 * Gathers work of one turn of the event loop and does it once at the end of the turn: first all writes to disk,
 * then all writes to sockets. So a turn that serves many requests costs one write per log and one per connection.
 *
 * A write may queue further writes or sends; sends run when no write is left.
 */
export class EndOfTurn {
  readonly #schedule: (run: () => void) => void
  readonly #run = (): void => this.flush()
  #writes: (() => void)[] = []
  #sends: (() => void)[] = []
  #scheduled = false

  constructor(schedule: (run: () => void) => void = setImmediate) {
    this.#schedule = schedule
  }

  /** `job` runs at the end of this turn, before any send. */
  write(job: () => void): void {
    this.#writes.push(job)
    this.#wake()
  }

  /** `job` runs at the end of this turn, after all writes. */
  send(job: () => void): void {
    this.#sends.push(job)
    this.#wake()
  }

  /** Does all that is queued now. Called by the loop; also by a clean stop. */
  flush(): void {
    this.#scheduled = false
    while (this.#writes.length > 0 || this.#sends.length > 0) {
      while (this.#writes.length > 0) {
        const writes = this.#writes
        this.#writes = []
        for (const job of writes) job()
      }
      const sends = this.#sends
      this.#sends = []
      for (const job of sends) job()
    }
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(this.#run)
  }
}
