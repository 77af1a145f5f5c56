const remembered = 8

/**
 * Offsets at which something was written last, and where in the file: what readers at the end of a log ask for. Saves
 * them the way through the index.
 */
export class RecentPositions {
  readonly #offsets = new Float64Array(remembered).fill(-1)
  readonly #positions = new Float64Array(remembered)
  #next = 0

  /** The batch that begins at `position` is or will be the first with an offset >= `offset`. */
  add(offset: number, position: number): void {
    this.#offsets[this.#next] = offset
    this.#positions[this.#next] = position
    this.#next = (this.#next + 1) % remembered
  }

  /** -1 when not known. */
  find(offset: number): number {
    const index = this.#offsets.indexOf(offset)
    return index < 0 ? -1 : (this.#positions[index] ?? -1)
  }
}
