import { describe, expect, test } from 'vitest'
import { follows, noSequence, sequencesBetween, subtractFromSequence } from '../../../broker/log/sequences.ts'

const last = 2 ** 31 - 1

describe('sequences', () => {
  test('after the last sequence comes 0', () => {
    expect(follows(41, 42)).toBe(true)
    expect(follows(41, 41)).toBe(false)
    expect(follows(last, 0)).toBe(true)
    expect(follows(last, last + 1)).toBe(false)
  })

  test('after none only 0 follows', () => {
    expect(follows(noSequence, 0)).toBe(true)
    expect(follows(noSequence, 1)).toBe(false)
  })

  test('counting back goes around, too', () => {
    expect(subtractFromSequence(5, 3)).toBe(2)
    expect(subtractFromSequence(1, 3)).toBe(last - 1)
    expect(subtractFromSequence(noSequence, 3)).toBe(noSequence)
    expect([sequencesBetween(5, 5), sequencesBetween(2, 5), sequencesBetween(last - 1, 1)]).toEqual([0, 3, 3])
  })
})
