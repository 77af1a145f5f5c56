import { assert } from '../../runtime/assert.ts'

/**
 * Remembers, for maps that belong to it, what stood in them at the last committed write. A coordinator applies its
 * records at once, so that the next command sees them; readers that may only see what is replicated ask a map's
 * `committed` methods. Values are immutable: changing one means setting another.
 *
 * Writes are numbered by whoever owns the log (a growing sequence). While everything is committed nothing is
 * remembered, and a map costs what a Map costs.
 */
export class Timeline {
  #writing = 0
  #committed = 0
  #changes: Change[] = []
  #head = 0

  /** Number of the newest write. */
  get newest(): number {
    return this.#writing
  }

  get committed(): number {
    return this.#committed
  }

  /** Changes from here on belong to the write `sequence`, or to the ones after it. */
  write(sequence: number): void {
    assert(sequence >= this.#writing, 'Writes are numbered upwards.', { sequence, newest: this.#writing })
    this.#writing = sequence
  }

  /** Every write up to `sequence` is replicated. */
  commit(sequence: number): void {
    if (sequence <= this.#committed) return
    this.#committed = sequence
    while (this.#head < this.#changes.length) {
      const change = this.#changes[this.#head]!
      if (change.sequence > sequence) break
      this.#head++
      change.forget()
    }
    if (this.#head === this.#changes.length) {
      this.#changes = []
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#changes = this.#changes.slice(this.#head)
      this.#head = 0
    }
  }

  map<Key, Value>(): TimelineMap<Key, Value> {
    return new TimelineMap<Key, Value>(this)
  }

  /** For the maps: true when what is changed now must be remembered. */
  get remembers(): boolean {
    return this.#writing > this.#committed
  }

  /** For the maps: `forget` is called when the write that is under way is committed. */
  remember(forget: () => void): void {
    this.#changes.push({ sequence: this.#writing, forget })
  }
}

interface Change {
  readonly sequence: number
  readonly forget: () => void
}

export class TimelineMap<Key, Value> {
  readonly #timeline: Timeline
  readonly #current = new Map<Key, Value>()
  /** Per key that uncommitted writes changed: what stood there before each of them, oldest first. */
  #previous: Map<Key, (Value | undefined)[]> | undefined

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  get size(): number {
    return this.#current.size
  }

  get(key: Key): Value | undefined {
    return this.#current.get(key)
  }

  has(key: Key): boolean {
    return this.#current.has(key)
  }

  keys(): MapIterator<Key> {
    return this.#current.keys()
  }

  values(): MapIterator<Value> {
    return this.#current.values()
  }

  entries(): MapIterator<[Key, Value]> {
    return this.#current.entries()
  }

  set(key: Key, value: Value): void {
    if (this.#timeline.remembers) this.#remember(key)
    this.#current.set(key, value)
  }

  delete(key: Key): void {
    if (!this.#current.has(key)) return
    if (this.#timeline.remembers) this.#remember(key)
    this.#current.delete(key)
  }

  /** As of the last committed write. */
  committed(key: Key): Value | undefined {
    const previous = this.#previous?.get(key)
    return previous === undefined ? this.#current.get(key) : previous[0]
  }

  /** All entries as of the last committed write, in no particular order. */
  *committedEntries(): Iterable<[Key, Value]> {
    const changed = this.#previous
    if (changed === undefined) {
      yield* this.#current
      return
    }
    for (const entry of this.#current) if (!changed.has(entry[0])) yield entry
    for (const [key, [value]] of changed) if (value !== undefined) yield [key, value]
  }

  #remember(key: Key): void {
    this.#previous ??= new Map()
    const previous = this.#previous.get(key)
    if (previous === undefined) this.#previous.set(key, [this.#current.get(key)])
    else previous.push(this.#current.get(key))
    this.#timeline.remember(() => this.#forget(key))
  }

  #forget(key: Key): void {
    const previous = this.#previous?.get(key)
    if (previous === undefined) return
    previous.shift()
    if (previous.length > 0) return
    this.#previous?.delete(key)
    if (this.#previous?.size === 0) this.#previous = undefined
  }
}
