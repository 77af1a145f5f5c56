import { describe, expect, test } from 'vitest'
import {
  type CleanableSegment,
  type CleaningFacts,
  filthiest,
  isRollOverdue,
  isWorthCleaning,
  planCleaning,
} from '../../../broker/log/choose-log-to-clean.ts'
import type { LogSettings } from '../../../broker/log/log-settings.ts'
import { defaultLogSettings } from '../../support/a-log.ts'

const nowMs = 1_700_000_000_000

function segment(baseOffset: number, sizeInBytes: number, ageMs = 1000): CleanableSegment {
  return { baseOffset, sizeInBytes, largestTimestamp: nowMs - ageMs, firstTimestamp: nowMs - ageMs }
}

const segments = [segment(0, 100, 4000), segment(10, 200, 3000), segment(20, 300, 2000), segment(30, 400, 0)]

function plan(facts: Partial<CleaningFacts> = {}, settings: Partial<LogSettings> = {}) {
  const given = {
    segments,
    logStartOffset: 0,
    lastStableOffset: 35,
    firstDirtyOffset: undefined,
    nowMs,
    ...facts,
  }
  return planCleaning(given, { ...defaultLogSettings, 'cleanup.policy': ['compact'], ...settings })
}

function isWorth(facts: Partial<CleaningFacts>, settings: Partial<LogSettings> = {}): boolean {
  return isWorthCleaning(plan(facts, settings), {
    ...defaultLogSettings,
    'cleanup.policy': ['compact'],
    ...settings,
  })
}

describe('what a cleaning covers', () => {
  test('everything but the active segment, when nothing was cleaned before', () => {
    expect(plan()).toMatchObject({
      firstDirtyOffset: 0,
      upToOffset: 30,
      cleanBytes: 0,
      dirtyBytes: 600,
      dirtyRatio: 1,
    })
  })

  test('what was cleaned counts as clean', () => {
    expect(plan({ firstDirtyOffset: 20 })).toMatchObject({
      firstDirtyOffset: 20,
      upToOffset: 30,
      cleanBytes: 300,
      dirtyBytes: 300,
      dirtyRatio: 0.5,
    })
  })

  test('a segment of which a part was cleaned counts as dirty', () => {
    expect(plan({ firstDirtyOffset: 15 })).toMatchObject({
      firstDirtyOffset: 15,
      dirtyBytes: 500,
      cleanBytes: 100,
    })
  })

  test('no segment that reaches to the last stable offset or beyond', () => {
    expect(plan({ lastStableOffset: 29 })).toMatchObject({ upToOffset: 20, dirtyBytes: 300 })
    expect(plan({ lastStableOffset: 30 })).toMatchObject({ upToOffset: 30 })
    expect(plan({ lastStableOffset: 5 })).toMatchObject({ upToOffset: 0, dirtyBytes: 0, dirtyRatio: 0 })
  })

  test('no segment with a record younger than min.compaction.lag.ms, nor any after it', () => {
    expect(plan({}, { 'min.compaction.lag.ms': 2500 })).toMatchObject({ upToOffset: 20 })
    expect(plan({}, { 'min.compaction.lag.ms': 5000 })).toMatchObject({ upToOffset: 0, dirtyBytes: 0 })
  })

  test('a checkpoint that the log does not fit any more is not believed', () => {
    expect(plan({ firstDirtyOffset: 31 })).toMatchObject({ firstDirtyOffset: 0 })
    expect(plan({ firstDirtyOffset: 5, logStartOffset: 10 })).toMatchObject({ firstDirtyOffset: 10 })
    expect(plan({ firstDirtyOffset: 30 })).toMatchObject({ firstDirtyOffset: 30, dirtyBytes: 0 })
  })

  test('an empty log has nothing to clean', () => {
    expect(plan({ segments: [segment(0, 0)], lastStableOffset: 0 })).toMatchObject({
      dirtyBytes: 0,
      dirtyRatio: 0,
    })
  })
})

describe('a log is cleaned', () => {
  test('when more of it is dirty than min.cleanable.dirty.ratio', () => {
    expect(isWorth({ firstDirtyOffset: 20 })).toBe(false)
    expect(isWorth({ firstDirtyOffset: 20 }, { 'min.cleanable.dirty.ratio': 0.49 })).toBe(true)
    expect(isWorth({ firstDirtyOffset: 10 })).toBe(true)
  })

  test('never when nothing is dirty, or it is not to be compacted', () => {
    expect(isWorth({ firstDirtyOffset: 30 }, { 'min.cleanable.dirty.ratio': 0 })).toBe(false)
    expect(isWorth({}, { 'cleanup.policy': ['delete'] })).toBe(false)
    expect(isWorth({}, { 'cleanup.policy': ['compact', 'delete'] })).toBe(true)
  })

  test('when something dirty is older than max.compaction.lag.ms, however little it is', () => {
    expect(isWorth({ firstDirtyOffset: 20 }, { 'max.compaction.lag.ms': 1999 })).toBe(true)
    expect(plan({ firstDirtyOffset: 20 }, { 'max.compaction.lag.ms': 1500 }).overdueMs).toBe(500)
    expect(isWorth({ firstDirtyOffset: 20 }, { 'max.compaction.lag.ms': 2000 })).toBe(false)
  })
})

test('the filthiest log comes first', () => {
  const one = { name: 'one', plan: plan({ firstDirtyOffset: 20 }) }
  const two = { name: 'two', plan: plan({ firstDirtyOffset: 10 }) }
  expect(filthiest([one, two, one])).toBe(two)
  expect(filthiest([])).toBeUndefined()
})

test('the active segment is closed when it holds what is due and nobody appends', () => {
  const settings = { ...defaultLogSettings, 'cleanup.policy': ['compact'], 'max.compaction.lag.ms': 1000 }
  expect(isRollOverdue(segment(0, 10, 1001), settings, nowMs)).toBe(true)
  expect(isRollOverdue(segment(0, 10, 1000), settings, nowMs)).toBe(false)
  expect(isRollOverdue(segment(0, 0, 5000), settings, nowMs)).toBe(false)
  expect(isRollOverdue(segment(0, 10, 5000), { ...settings, 'cleanup.policy': ['delete'] }, nowMs)).toBe(
    false,
  )
  expect(isRollOverdue(segment(0, 10, 5000), defaultLogSettings, nowMs)).toBe(false)
})
