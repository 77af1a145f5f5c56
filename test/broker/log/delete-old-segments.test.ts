import { expect, test } from 'vitest'
import { aBatch, aLog, append, appendedTo, type LogHarness } from '../../support/a-log.ts'

function filled(settings: Parameters<typeof aLog>[0]): LogHarness {
  const harness = aLog({ 'segment.bytes': 400, ...settings })
  for (let count = 0; count < 20; count++) append(harness, aBatch(['v'.repeat(100)]))
  harness.log.advanceHighWatermark(20)
  return harness
}

test('by time deletes even the last segment and goes on at the end', () => {
  const { log, clock, disk, turn } = filled({ 'retention.ms': 1000 })
  const count = log.segments.length
  expect(log.deleteOldSegments(clock.nowMs() + 500)).toBe(0)
  expect(log.deleteOldSegments(clock.nowMs() + 2000)).toBe(count)
  expect([log.logStartOffset, log.nextOffset, log.sizeInBytes]).toEqual([20, 20, 0])
  expect(disk.paths().filter(path => path.endsWith('.log.deleted')).length).toBe(count)
  clock.advance(60_000)
  expect(disk.paths().filter(path => path.endsWith('.deleted'))).toEqual([])
  expect(appendedTo(log, aBatch(1)).baseOffset).toBe(20)
  turn.flush()
  expect(log.logEndOffset).toBe(21)
})

test('by size keeps at least retention.bytes', () => {
  const { log, clock } = filled({ 'retention.bytes': 1000, 'retention.ms': -1 })
  expect(log.deleteOldSegments(clock.nowMs())).toBeGreaterThan(0)
  expect(log.sizeInBytes).toBeGreaterThanOrEqual(1000)
  expect(log.sizeInBytes).toBeLessThan(1400)
  expect(log.logStartOffset).toBe(log.segments[0]?.baseOffset)
})

test('never goes above the high watermark', () => {
  const harness = aLog({ 'segment.bytes': 400, 'retention.bytes': 0 })
  for (let count = 0; count < 20; count++) append(harness, aBatch(['v'.repeat(100)]))
  expect(harness.log.deleteOldSegments(harness.clock.nowMs())).toBe(0)
})

test('deleted records go with the next run, their readers are told at once', () => {
  const { log, clock } = filled({ 'retention.ms': -1 })
  log.deleteRecordsBefore(10)
  expect(log.logStartOffset).toBe(10)
  expect(log.read({ offset: 9, maxBytes: 10, minOneBatch: true, upTo: 20 })).toEqual({
    error: 'OFFSET_OUT_OF_RANGE',
  })
  expect(log.deleteOldSegments(clock.nowMs())).toBeGreaterThan(0)
  expect(log.segments[0]!.baseOffset).toBeLessThanOrEqual(10)
  expect(log.segments[1]!.baseOffset).toBeGreaterThan(10)
  log.deleteRecordsBefore(1000)
  expect(log.logStartOffset).toBe(20)
})
