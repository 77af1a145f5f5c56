/**
 * Lets many callers share one slow act (a sync of the disk) with at most one of it under way: who comes meanwhile waits
 * for the next one, which begins when this one ends and so covers what they did before they asked.
 */
export class GroupCommit {
  readonly #act: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(act: () => Promise<void>) {
    this.#act = act
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Resolves or rejects with an act that began after this call. */
  run(): Promise<void> {
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#start()
    this.#next = this.#startAfter(this.#running)
    return this.#next
  }

  async #startAfter(running: Promise<void>): Promise<void> {
    // Those who asked for that one hear of its failure.
    await running.catch(() => undefined)
    this.#next = undefined
    await this.#start()
  }

  #start(): Promise<void> {
    const running = this.#act().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}
