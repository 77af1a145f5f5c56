import { assert } from '../../runtime/assert.ts'
import { KeyHash } from './key-hash.ts'

//  0      1      2      3      4             5
//  ├──────┴──────┴──────┴──────┼─────────────┼──────────────┤   words of 32 bits; a slot of zeros is empty,
//  │ hash of the key           │ offset + 1, │ offset + 1,  │   as no offset + 1 is 0
//  │                           │ low word    │ high word    │
const wordsPerSlot = 6
export const offsetMapSlotBytes = wordsPerSlot * 4

/**
 * Key → offset of its last record, for one cleaning, in a fixed piece of memory: a table with open addressing. Keys are
 * known by a hash of 128 bits and never compared.
 */
export class OffsetMap {
  readonly #words: Uint32Array
  readonly #slots: number
  readonly #hash: KeyHash
  /** Keys that it takes. */
  readonly capacity: number
  #size = 0

  /** At most `memoryBytes`, filled up to `loadFactor` (0–1, exclusive); less where `mostKeys` keys need less. */
  constructor(options: {
    readonly memoryBytes: number
    readonly loadFactor: number
    readonly mostKeys: number
    readonly seed: Int32Array
  }) {
    const { memoryBytes, loadFactor, mostKeys } = options
    const allowed = Math.floor(memoryBytes / offsetMapSlotBytes)
    this.#slots = Math.max(2, Math.min(allowed, Math.ceil(mostKeys / loadFactor) + 1))
    // A slot must stay empty, so that a search for what is not there ends.
    this.capacity = Math.min(Math.floor(this.#slots * loadFactor), this.#slots - 1)
    this.#words = new Uint32Array(this.#slots * wordsPerSlot)
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
    const slot = this.#find(bytes, start, length)
    const words = this.#words
    if (words[slot + 4] === 0 && words[slot + 5] === 0) {
      assert(this.#size < this.capacity, 'The offset map is full.', { capacity: this.capacity })
      const hash = this.#hash.words
      words[slot] = hash[0]!
      words[slot + 1] = hash[1]!
      words[slot + 2] = hash[2]!
      words[slot + 3] = hash[3]!
      this.#size++
    }
    const stored = offset + 1
    words[slot + 4] = stored % 2 ** 32
    words[slot + 5] = Math.floor(stored / 2 ** 32)
  }

  /** -1 when the key is not in it. */
  get(bytes: Uint8Array, start: number, length: number): number {
    const slot = this.#find(bytes, start, length)
    return this.#words[slot + 5]! * 2 ** 32 + this.#words[slot + 4]! - 1
  }

  /** Where the key stands, or the empty slot where it would. */
  #find(bytes: Uint8Array, start: number, length: number): number {
    this.#hash.update(bytes, start, length)
    const hash = this.#hash.words
    const words = this.#words
    const hash0 = hash[0]! >>> 0
    const hash1 = hash[1]! >>> 0
    const hash2 = hash[2]! >>> 0
    const hash3 = hash[3]! >>> 0
    const end = words.length
    let slot = Math.floor((hash0 / 2 ** 32) * this.#slots) * wordsPerSlot
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
}
