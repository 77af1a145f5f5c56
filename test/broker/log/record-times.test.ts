import { expect, test } from 'vitest'
import { RecordTimes } from '../../../broker/log/record-times.ts'
import { buildBatch } from '../../../protocol/index.ts'
import { aLog, append, type LogHarness } from '../../support/a-log.ts'
import { until } from '../../support/until.ts'

const base = 1_700_000_000_000

/** A batch of two records, `seconds` after the base. */
function appendAt(harness: LogHarness, seconds: number, valueBytes = 10): void {
  const timestamp = base + seconds * 1000
  const records = [0, 1].map(late => ({ value: Buffer.alloc(valueBytes), timestamp: timestamp + late }))
  append(harness, buildBatch({ records }))
  harness.log.advanceHighWatermark(harness.log.logEndOffset)
}

test('a record is as old as its batch', () => {
  const harness = aLog()
  for (const seconds of [0, 5, 9]) appendAt(harness, seconds)
  const times = new RecordTimes()
  const found = [0, 1, 2, 3, 4, 5].map(offset => times.timeOf(harness.log, offset))
  expect(found).toEqual([0, 0, 5, 5, 9, 9].map(seconds => base + seconds * 1000))
})

test('there is no time at the end, before the start, or where producers gave none', () => {
  const harness = aLog()
  append(harness, buildBatch({ records: [{ value: Buffer.from('x'), timestamp: -1 }] }))
  appendAt(harness, 0)
  const times = new RecordTimes()
  expect([0, 3, 4].map(offset => times.timeOf(harness.log, offset))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  harness.log.deleteRecordsBefore(2)
  expect(times.timeOf(harness.log, 1)).toBeUndefined()
})

test('what was appended by the clock of the broker has the time of that', () => {
  const harness = aLog({ 'message.timestamp.type': 'LogAppendTime' })
  appendAt(harness, 0)
  expect(new RecordTimes().timeOf(harness.log, 1)).toBe(harness.clock.nowMs())
})

test('what nobody has read for long is read beside the loop and known when somebody asks again', async () => {
  const harness = aLog({ 'segment.bytes': 40_000_000, 'max.message.bytes': 20_000_000 })
  for (const seconds of [0, 1, 2, 3, 4, 5]) appendAt(harness, seconds, 7_000_000)
  const times = new RecordTimes()
  expect(times.timeOf(harness.log, 2)).toBeUndefined()
  await until(() => times.timeOf(harness.log, 2) === base + 1000, 'the time')
})

test('who can wait is told what has to be read first', async () => {
  const harness = aLog({ 'segment.bytes': 40_000_000, 'max.message.bytes': 20_000_000 })
  for (const seconds of [0, 1, 2, 3, 4, 5]) appendAt(harness, seconds, 7_000_000)
  const times = new RecordTimes()
  const found = await Promise.all([0, 3, 4, 12, 99].map(offset => times.find(harness.log, offset)))
  expect(found).toEqual([base, base + 1000, base + 2000, undefined, undefined])
  expect(times.timeOf(harness.log, 3)).toBe(base + 1000)
})

test('more positions of a log than are remembered are looked up again', () => {
  const harness = aLog()
  for (let seconds = 0; seconds < 100; seconds++) appendAt(harness, seconds)
  const times = new RecordTimes()
  for (let offset = 0; offset < 200; offset++) {
    expect(times.timeOf(harness.log, offset)).toBe(base + Math.floor(offset / 2) * 1000)
  }
  expect(times.timeOf(harness.log, 0)).toBe(base)
})
