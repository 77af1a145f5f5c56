import { type Deferred, deferred } from '../../runtime/deferred.ts'

interface Waiting<Item, Result> {
  readonly item: Item
  readonly answered: Deferred<Result>
}

/**
 * Questions that come while one is on its way wait for its answer and then go together: alone none waits, and a thousand
 * become a few. Of items with the same key each goes in a round of its own.
 */
export class Batch<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>
  readonly #keyOf: (item: Item) => string
  readonly #most: number
  #waiting: Waiting<Item, Result>[] = []
  #isSending = false

  /** `send` answers for each item, in order; when it rejects, all of its round do. */
  constructor(
    send: (items: readonly Item[]) => Promise<readonly Result[]>,
    options: { readonly keyOf: (item: Item) => string; readonly most: number },
  ) {
    this.#send = send
    this.#keyOf = options.keyOf
    this.#most = options.most
  }

  ask(item: Item): Promise<Result> {
    const answered = deferred<Result>()
    this.#waiting.push({ item, answered })
    if (!this.#isSending) {
      this.#isSending = true
      void this.#sendAll()
    }
    return answered.promise
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const round = this.#nextRound()
      try {
        const results = await this.#send(round.map(({ item }) => item))
        for (const [index, { answered }] of round.entries()) answered.resolve(results[index] as Result)
      } catch (error) {
        for (const { answered } of round) answered.reject(error)
      }
    }
    this.#isSending = false
  }

  #nextRound(): Waiting<Item, Result>[] {
    const round: Waiting<Item, Result>[] = []
    const later: Waiting<Item, Result>[] = []
    const keys = new Set<string>()
    for (const waiting of this.#waiting) {
      const key = this.#keyOf(waiting.item)
      const fits = round.length < this.#most && !keys.has(key)
      if (fits) keys.add(key)
      ;(fits ? round : later).push(waiting)
    }
    this.#waiting = later
    return round
  }
}
