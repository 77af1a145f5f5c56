import { randomBytes } from 'node:crypto'
import { assert } from './assert.ts'

/** Chance enters the program here, so that a simulation can replay it from a seed. */
export interface Random {
  /** A float in [0, 1). */
  fraction(): number
  /** `length` bytes. */
  bytes(length: number): Buffer
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: length => randomBytes(length),
}

/** The same numbers for the same seed (mulberry32); for tests and simulations, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    fraction,
    bytes: length => Buffer.from(Array.from({ length }, () => Math.floor(fraction() * 256))),
  }
}

/** A whole number in [0, bound). */
export function randomInt(random: Random, bound: number): number {
  assert(bound > 0, 'A random number needs a positive bound.', { bound })
  return Math.floor(random.fraction() * bound)
}
