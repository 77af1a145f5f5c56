import { ConnectionError } from './connection-error.ts'

/** Requests sent and not yet answered, in order; bounded. A broker answers in the order it was asked. */
export class InFlightRequests<Value> {
  readonly #limit: number
  readonly #requests = new Map<number, Value>()
  #next = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#requests.size
  }

  /** The correlation id of the new request. Throws when too many are in the air. */
  add(value: Value): number {
    if (this.#requests.size >= this.#limit) {
      throw new ConnectionError(`There are ${this.#limit} requests without an answer already.`)
    }
    const correlationId = this.#next
    this.#next = (this.#next + 1) & 0x7fff_ffff
    this.#requests.set(correlationId, value)
    return correlationId
  }

  oldest(): { readonly correlationId: number; readonly value: Value } | undefined {
    for (const [correlationId, value] of this.#requests) return { correlationId, value }
    return undefined
  }

  /** Takes out the oldest; throws when the answer is for another. */
  settle(correlationId: number): Value {
    const oldest = this.oldest()
    if (oldest === undefined || oldest.correlationId !== correlationId) {
      throw new ConnectionError(
        `an answer to request ${correlationId}, where ${oldest?.correlationId ?? 'none'} was due`,
      )
    }
    this.#requests.delete(correlationId)
    return oldest.value
  }

  /** Takes out all. */
  drain(): Value[] {
    const all = [...this.#requests.values()]
    this.#requests.clear()
    return all
  }
}
