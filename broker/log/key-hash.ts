/** 32-bit words that seed a hash: two per lane. */
export const keyHashSeedWords = 4

/**
 * 128 bits that stand for a key: two lanes of HalfSipHash-1-3, each with a seed of its own. The seed is drawn anew for
 * each cleaning and never leaves it, so nobody can choose keys that meet, and by chance two of a billion keys meet once in 10^20
 * cleanings. In JavaScript because a call to a native hash costs far more than these few words.
 */
export class KeyHash {
  /** The hash of the key that `update` was given last. */
  readonly words = new Int32Array(4)
  readonly #seed: Int32Array

  constructor(seed: Int32Array) {
    this.#seed = seed
  }

  update(bytes: Uint8Array, start: number, length: number): void {
    const seed = this.#seed
    halfSipHash(bytes, start, length, seed[0]!, seed[1]!, this.words, 0)
    halfSipHash(bytes, start, length, seed[2]!, seed[3]!, this.words, 2)
  }
}

/** 64 bits to `out[at]` and the one after it. One round for each four bytes and the length, three and three to finish. */
function halfSipHash(
  bytes: Uint8Array,
  start: number,
  length: number,
  key0: number,
  key1: number,
  out: Int32Array,
  at: number,
): void {
  let v0 = key0
  let v1 = key1 ^ 0xee
  let v2 = key0 ^ 0x6c796765
  let v3 = key1 ^ 0x74656462
  const lastWord = start + (length & ~3)
  const words = (length >>> 2) + 1
  let position = start
  // The finishing rounds follow in the same loop with a word of zero, so that the round is written once.
  for (let round = 0; round < words + 6; round++) {
    let word = 0
    if (position < lastWord) {
      word =
        bytes[position]! |
        (bytes[position + 1]! << 8) |
        (bytes[position + 2]! << 16) |
        (bytes[position + 3]! << 24)
      position += 4
    } else if (round === words - 1) {
      word = lastWordOf(bytes, position, length)
    } else if (round === words) {
      v2 ^= 0xee
    } else if (round === words + 3) {
      out[at] = v1 ^ v3
      v1 ^= 0xdd
    }
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  out[at + 1] = v1 ^ v3
}

/** The length and the up to three bytes that are left. */
function lastWordOf(bytes: Uint8Array, position: number, length: number): number {
  let word = length << 24
  const rest = length & 3
  if (rest > 2) word |= bytes[position + 2]! << 16
  if (rest > 1) word |= bytes[position + 1]! << 8
  if (rest > 0) word |= bytes[position]!
  return word
}
