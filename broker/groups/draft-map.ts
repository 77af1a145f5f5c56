/**
 * A map that can be tried out: a fork starts with the same entries and copies them when it is first written to. A fork
 * is for what happens at once; it must be dropped before its origin changes.
 */
export class DraftMap<Key, Value> {
  #map: Map<Key, Value>
  #owned: boolean

  constructor(map: Map<Key, Value> = new Map(), owned = true) {
    this.#map = map
    this.#owned = owned
  }

  get view(): ReadonlyMap<Key, Value> {
    return this.#map
  }

  get size(): number {
    return this.#map.size
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  has(key: Key): boolean {
    return this.#map.has(key)
  }

  set(key: Key, value: Value): void {
    this.#writable().set(key, value)
  }

  delete(key: Key): void {
    if (this.#map.has(key)) this.#writable().delete(key)
  }

  fork(): DraftMap<Key, Value> {
    return new DraftMap(this.#map, false)
  }

  #writable(): Map<Key, Value> {
    if (!this.#owned) {
      this.#map = new Map(this.#map)
      this.#owned = true
    }
    return this.#map
  }
}

/** Counts how often a key is used; one that nobody uses is absent. */
export function count<Key>(counts: DraftMap<Key, number>, key: Key, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change
  if (next > 0) counts.set(key, next)
  else counts.delete(key)
}
