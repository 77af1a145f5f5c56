/**
 * An immutable map whose next version costs about the square root of its size: a big base that versions share and a
 * small layer of what differs. Iterates in order of first insertion, like Map.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>
  /** `undefined` marks a key of the base that is gone. */
  readonly #layer: ReadonlyMap<K, V | undefined>
  readonly size: number

  private constructor(base: ReadonlyMap<K, V>, layer: ReadonlyMap<K, V | undefined>, size: number) {
    this.#base = base
    this.#layer = layer
    this.size = size
  }

  static empty<K, V>(): LayeredMap<K, V> {
    return new LayeredMap<K, V>(new Map(), new Map(), 0)
  }

  /** The same map with these entries put, or removed where the value is undefined. */
  with(edits: ReadonlyMap<K, V | undefined>): LayeredMap<K, V> {
    if (edits.size === 0) return this
    let { size } = this
    for (const [key, value] of edits) {
      const had = this.has(key)
      if (had && value === undefined) size--
      else if (!had && value !== undefined) size++
    }
    if (this.#layer.size + edits.size > mostInLayer(this.#base.size)) {
      return new LayeredMap(merge(merge(this.#base, this.#layer), edits), new Map(), size)
    }
    const layer = new Map(this.#layer)
    for (const [key, value] of edits) {
      if (value === undefined && !this.#base.has(key)) layer.delete(key)
      else layer.set(key, value)
    }
    return new LayeredMap(this.#base, layer, size)
  }

  get(key: K): V | undefined {
    const value = this.#layer.get(key)
    if (value !== undefined || this.#layer.has(key)) return value
    return this.#base.get(key)
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  *entries(): Generator<[K, V], undefined, unknown> {
    for (const [key, value] of this.#base) {
      const newer = this.#layer.get(key)
      if (newer !== undefined) yield [key, newer]
      else if (!this.#layer.has(key)) yield [key, value]
    }
    for (const [key, value] of this.#layer) {
      if (value !== undefined && !this.#base.has(key)) yield [key, value]
    }
  }

  *keys(): Generator<K, undefined, unknown> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<V, undefined, unknown> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): Generator<[K, V], undefined, unknown> {
    return this.entries()
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this)
  }
}

function mostInLayer(baseSize: number): number {
  return Math.max(16, 2 * Math.sqrt(baseSize))
}

function merge<K, V>(base: ReadonlyMap<K, V>, layer: ReadonlyMap<K, V | undefined>): ReadonlyMap<K, V> {
  const merged = new Map(base)
  for (const [key, value] of layer) {
    if (value === undefined) merged.delete(key)
    else merged.set(key, value)
  }
  return merged
}
