import { assert } from '../../runtime/assert.ts'
import { KeyHash } from './key-hash.ts'

//  0      1      2      3      4             5
//  ├──────┴──────┴──────┴──────┼─────────────┼──────────────┤   words of 32 bits; a slot of zeros is empty,
//  │ hash of the key           │ offset + 1, │ offset + 1,  │   as no offset + 1 is 0
//  │                           │ low word    │ high word    │
const wordsPerSlot = 6
export const offsetMapSlotBytes = wordsPerSlot * 4

/** A table begins so small and grows by this much, as most logs have few keys: what fits the processor's cache is fast. */
const firstSlots = 4096
const growth = 4
/** The part of the memory up to which it grows so. Then it takes all that is left beside the table it grows out of. */
const smallPart = 1 / 8
const smallLoadFactor = 0.6

/**
 * Key → offset of its last record, for one cleaning, in a bounded piece of memory: a table with open addressing. Keys are
 * known by a hash of 128 bits and never compared.
 */
export class OffsetMap {
  /** Keys that it takes. */
  readonly capacity: number
  readonly #mostSlots: number
  readonly #smallSlots: number
  readonly #hash: KeyHash
  #words: Int32Array
  #slots: number
  #growsAt: number
  #size = 0

  /** At most `memoryBytes`, also while it grows, filled up to `loadFactor` (0–1, exclusive). */
  constructor(options: {
    readonly memoryBytes: number
    readonly loadFactor: number
    readonly seed: Int32Array
  }) {
    const allowed = Math.max(2, Math.floor(options.memoryBytes / offsetMapSlotBytes))
    this.#smallSlots = Math.floor(allowed * smallPart)
    const isSmall = firstSlots <= this.#smallSlots
    this.#mostSlots = isSmall ? allowed - this.#smallSlots : allowed
    // A slot must stay empty, so that a search for what is not there ends.
    this.capacity = Math.min(Math.floor(this.#mostSlots * options.loadFactor), this.#mostSlots - 1)
    this.#slots = isSmall ? firstSlots : this.#mostSlots
    this.#growsAt = isSmall ? Math.floor(firstSlots * smallLoadFactor) : Number.POSITIVE_INFINITY
    this.#words = new Int32Array(this.#slots * wordsPerSlot)
    this.#hash = new KeyHash(options.seed)
  }

  /** Keys in it. */
  get size(): number {
    return this.#size
  }

  get memoryBytes(): number {
    return this.#words.byteLength
  }

  /** The key is `bytes[start, start + length)`; `offset` takes the place of what was there. */
  put(bytes: Uint8Array, start: number, length: number, offset: number): void {
    this.#hash.update(bytes, start, length)
    const hash = this.#hash.words
    const slot = this.#find(hash[0]!, hash[1]!, hash[2]!, hash[3]!)
    const words = this.#words
    const isNew = words[slot + 4] === 0 && words[slot + 5] === 0
    if (isNew) {
      assert(this.#size < this.capacity, 'The offset map is full.', { capacity: this.capacity })
      words[slot] = hash[0]!
      words[slot + 1] = hash[1]!
      words[slot + 2] = hash[2]!
      words[slot + 3] = hash[3]!
      this.#size++
    }
    const stored = offset + 1
    // The low 32 bits: what does not fit a word is cut off.
    words[slot + 4] = stored
    words[slot + 5] = Math.floor(stored / 2 ** 32)
    if (isNew && this.#size > this.#growsAt) this.#grow()
  }

  /** -1 when the key is not in it. */
  get(bytes: Uint8Array, start: number, length: number): number {
    this.#hash.update(bytes, start, length)
    const hash = this.#hash.words
    const slot = this.#find(hash[0]!, hash[1]!, hash[2]!, hash[3]!)
    return this.#words[slot + 5]! * 2 ** 32 + (this.#words[slot + 4]! >>> 0) - 1
  }

  /** Where the hash stands, or the empty slot where it would. */
  #find(hash0: number, hash1: number, hash2: number, hash3: number): number {
    const words = this.#words
    const end = words.length
    let slot = Math.floor(((hash0 >>> 0) / 2 ** 32) * this.#slots) * wordsPerSlot
    for (;;) {
      if (words[slot + 4] === 0 && words[slot + 5] === 0) return slot
      if (
        words[slot] === hash0 &&
        words[slot + 1] === hash1 &&
        words[slot + 2] === hash2 &&
        words[slot + 3] === hash3
      ) {
        return slot
      }
      slot += wordsPerSlot
      if (slot === end) slot = 0
    }
  }

  #grow(): void {
    const old = this.#words
    const isSmall = this.#slots * growth <= this.#smallSlots
    this.#slots = isSmall ? this.#slots * growth : this.#mostSlots
    this.#growsAt = isSmall ? Math.floor(this.#slots * smallLoadFactor) : Number.POSITIVE_INFINITY
    this.#words = new Int32Array(this.#slots * wordsPerSlot)
    for (let from = 0; from < old.length; from += wordsPerSlot) {
      if (old[from + 4] === 0 && old[from + 5] === 0) continue
      const to = this.#find(old[from]!, old[from + 1]!, old[from + 2]!, old[from + 3]!)
      for (let word = 0; word < wordsPerSlot; word++) this.#words[to + word] = old[from + word]!
    }
  }
}
