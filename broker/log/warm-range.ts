/** How long what was read is taken to be in the page cache. */
const warmMs = 30_000

/** The part of a file that was read lately and so, most likely, is in the page cache. Times are monotonic. */
export class WarmRange {
  #from = 0
  #to = 0
  #untilMs = Number.NEGATIVE_INFINITY

  /** [from, to) has just been read. Grows what is there already if they touch, else takes its place. */
  add(from: number, to: number, nowMs: number): void {
    const goesOn = nowMs < this.#untilMs && from <= this.#to && to >= this.#from
    this.#from = goesOn ? Math.min(this.#from, from) : from
    this.#to = goesOn ? Math.max(this.#to, to) : to
    this.#untilMs = nowMs + warmMs
  }

  has(from: number, to: number, nowMs: number): boolean {
    return nowMs < this.#untilMs && from >= this.#from && to <= this.#to
  }

  clear(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
