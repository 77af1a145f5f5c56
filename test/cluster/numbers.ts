/** A growing array of integers below 2^31 with a value for what was never set: four bytes each, up to the highest index. */
export class Numbers {
  #values = new Int32Array(1_024)
  readonly #unset: number
  /** Highest index that was set, plus one. */
  length = 0

  constructor(unset: number) {
    this.#unset = unset
    this.#values.fill(unset)
  }

  get(index: number): number {
    return index < this.length ? (this.#values[index] ?? this.#unset) : this.#unset
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) {
      const larger = new Int32Array(Math.max(index + 1, 2 * this.#values.length)).fill(this.#unset)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[index] = value
    this.length = Math.max(this.length, index + 1)
  }
}
