import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogSettings } from '../../../broker/log/log-settings.ts'
import { decideRetention, type RetentionFacts } from '../../../broker/log/retention.ts'
import { defaultLogSettings } from '../../support/a-log.ts'

const nowMs = 10_000

/** Segments of 100 bytes and 10 offsets each, the last one being written; `ages` in ms, oldest segment first. */
function facts(ages: readonly number[], overrides: Partial<RetentionFacts> = {}): RetentionFacts {
  const logEndOffset = ages.length * 10
  return {
    segments: ages.map((age, index) => ({
      baseOffset: index * 10,
      sizeInBytes: 100,
      timestampMs: () => nowMs - age,
    })),
    logStartOffset: 0,
    logEndOffset,
    highWatermark: logEndOffset,
    nowMs,
    ...overrides,
  }
}

function decide(given: RetentionFacts, settings: Partial<LogSettings>) {
  return decideRetention(given, { ...defaultLogSettings, 'retention.ms': -1, ...settings })
}

describe('by time', () => {
  test('goes from the oldest to the first that is young enough', () => {
    const settings = { 'retention.ms': 1000 }
    expect(decide(facts([5000, 2000, 1001, 1000, 3000]), settings)).toEqual({ count: 3, reason: 'time' })
    expect(decide(facts([10, 5000]), settings).count).toBe(0)
  })

  test('a time in the future keeps a segment', () => {
    expect(decide(facts([-5000, 5000]), { 'retention.ms': 1000 }).count).toBe(0)
  })

  test('takes the last segment when all is old, but not when it is empty', () => {
    const settings = { 'retention.ms': 1000 }
    expect(decide(facts([5000, 5000]), settings).count).toBe(2)
    const empty = facts([5000, 5000])
    const last = { baseOffset: 20, sizeInBytes: 0, timestampMs: () => 0 }
    expect(decide({ ...empty, segments: [...empty.segments, last] }, settings).count).toBe(2)
  })
})

describe('by size', () => {
  test('at least retention.bytes stay', () => {
    expect(decide(facts([0, 0, 0, 0]), { 'retention.bytes': 250 })).toEqual({ count: 1, reason: 'size' })
    expect(decide(facts([0, 0, 0, 0]), { 'retention.bytes': 200 }).count).toBe(2)
    expect(decide(facts([0, 0, 0, 0]), { 'retention.bytes': 400 }).count).toBe(0)
  })

  test('goes on where the log start stopped', () => {
    const given = facts([0, 0, 0, 0], { logStartOffset: 20 })
    expect(decide(given, { 'retention.bytes': 100 })).toEqual({ count: 3, reason: 'size' })
  })
})

describe('by the log start', () => {
  test('what lies below it goes, under every policy', () => {
    for (const policy of [['delete'], ['compact'], ['compact', 'delete'], []]) {
      const given = facts([0, 0, 0, 0], { logStartOffset: 25 })
      expect(decide(given, { 'cleanup.policy': policy })).toEqual({ count: 2, reason: 'logStart' })
    }
  })

  test('never the last segment', () => {
    expect(decide(facts([0, 0], { logStartOffset: 20 }), {}).count).toBe(1)
  })
})

test('only the delete policy knows time and size', () => {
  for (const policy of [['compact'], []]) {
    const settings = { 'cleanup.policy': policy, 'retention.ms': 0, 'retention.bytes': 0 }
    expect(decide(facts([5000, 5000]), settings).count).toBe(0)
  }
  const both = { 'cleanup.policy': ['compact', 'delete'], 'retention.ms': 0 }
  expect(decide(facts([5000, 5000]), both).count).toBe(2)
})

test('the high watermark is a limit to everything', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -10, max: 5000 }), { minLength: 1, maxLength: 10 }),
      fc.nat(120),
      fc.nat(120),
      fc.integer({ min: -1, max: 800 }),
      fc.integer({ min: -1, max: 4000 }),
      (ages, highWatermark, logStartOffset, retentionBytes, retentionMs) => {
        const given = facts(ages, { highWatermark, logStartOffset: Math.min(logStartOffset, highWatermark) })
        const settings = { 'retention.bytes': retentionBytes, 'retention.ms': retentionMs }
        const { count } = decide(given, settings)
        const endOfDeleted = count === ages.length ? given.logEndOffset : count * 10
        if (count > 0) expect(endOfDeleted).toBeLessThanOrEqual(highWatermark)
      },
    ),
  )
})
