import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildBatch, type CompressionType } from '../../../protocol/index.ts'
import { aLog, append, type LogHarness } from '../../support/a-log.ts'

const base = 1_700_000_000_000

/** Appends a batch of records with these times (from `base`; undefined = none). */
function appendTimes(
  harness: LogHarness,
  times: readonly (number | undefined)[],
  compression: CompressionType = 'none',
): void {
  const records = times.map(time => ({
    value: Buffer.from('value'),
    timestamp: time === undefined ? -1 : base + time,
  }))
  append(harness, buildBatch({ records, compression }), { leaderEpoch: 7 })
}

test('the first record at or after a time is found, inside of batches of every codec', async () => {
  const harness = aLog({ 'index.interval.bytes': 0 })
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
  for (const [index, codec] of codecs.entries()) appendTimes(harness, [index * 10, index * 10 + 5], codec)
  for (const [index] of codecs.entries()) {
    const found = await harness.log.offsetForTimestamp(base + index * 10 + 1)
    expect(found).toEqual({ offset: index * 2 + 1, timestamp: base + index * 10 + 5, leaderEpoch: 7 })
  }
  expect(await harness.log.offsetForTimestamp(base - 100)).toMatchObject({ offset: 0 })
  expect(await harness.log.offsetForTimestamp(base + 46)).toBeUndefined()
})

test('nothing below the log start is found', async () => {
  const harness = aLog()
  appendTimes(harness, [0, 10, 20, 30])
  harness.log.advanceHighWatermark(4)
  harness.log.deleteRecordsBefore(2)
  expect(await harness.log.offsetForTimestamp(base)).toMatchObject({ offset: 2 })
})

test('an empty log and one without times have no answer', async () => {
  const harness = aLog()
  expect(await harness.log.offsetForTimestamp(0)).toBeUndefined()
  expect(await harness.log.offsetOfMaxTimestamp()).toBeUndefined()
  appendTimes(harness, [undefined, undefined])
  expect(await harness.log.offsetForTimestamp(0)).toBeUndefined()
  expect(await harness.log.offsetOfMaxTimestamp()).toBeUndefined()
})

test('append times are those of the batch', async () => {
  const harness = aLog({ 'message.timestamp.type': 'LogAppendTime' })
  appendTimes(harness, [1, 2, 3], 'gzip')
  harness.clock.advance(1000)
  appendTimes(harness, [1, 2, 3])
  expect(await harness.log.offsetForTimestamp(harness.clock.nowMs() - 500)).toMatchObject({ offset: 3 })
  expect(await harness.log.offsetOfMaxTimestamp()).toMatchObject({
    offset: 3,
    timestamp: harness.clock.nowMs(),
  })
})

test('what is given and not yet written is found too', async () => {
  const harness = aLog()
  const batch = buildBatch({ records: [{ value: null, timestamp: base + 3 }] })
  harness.log.appendAsLeader(batch, { leaderEpoch: 7, origin: 'client' })
  expect(await harness.log.offsetOfMaxTimestamp()).toEqual({ offset: 0, timestamp: base + 3, leaderEpoch: 7 })
})

describe('any times in any segments', () => {
  test('equal a linear scan, also after a cut and after opening again', async () => {
    const batches = fc.array(
      fc.array(fc.option(fc.integer({ min: -300, max: 300 }), { nil: undefined }), {
        minLength: 1,
        maxLength: 5,
      }),
      { maxLength: 25 },
    )
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.constantFrom('none', 'lz4'),
        fc.integer({ min: 0, max: 300 }),
        fc.nat(120),
        fc.array(fc.integer({ min: -310, max: 310 }), { minLength: 5, maxLength: 15 }),
        async (times, codec, intervalBytes, cut, asked) => {
          const harness = aLog({ 'segment.bytes': 400, 'index.interval.bytes': intervalBytes })
          let model: { offset: number; timestamp: number }[] = []
          for (const batch of times) {
            const offset = harness.log.nextOffset
            appendTimes(harness, batch, codec)
            for (const [delta, time] of batch.entries()) {
              model.push({ offset: offset + delta, timestamp: time === undefined ? -1 : base + time })
            }
          }
          const check = async (log: typeof harness.log): Promise<void> => {
            for (const time of asked) {
              const expected = model.find(({ timestamp }) => timestamp >= base + time)
              const found = await log.offsetForTimestamp(base + time)
              expect(found && { offset: found.offset, timestamp: found.timestamp }).toEqual(expected)
            }
            const largest = Math.max(-1, ...model.map(({ timestamp }) => timestamp))
            const found = await log.offsetOfMaxTimestamp()
            expect(found?.offset).toBe(
              largest < 0 ? undefined : model.find(({ timestamp }) => timestamp === largest)?.offset,
            )
          }
          await check(harness.log)
          // To the end of a batch, so that the model knows what is left.
          let end = 0
          for (const batch of times)
            if (end + batch.length <= cut) end += batch.length
            else break
          harness.log.truncateTo(end)
          model = model.filter(({ offset }) => offset < end)
          await check(harness.log)
          await harness.log.close()
          await check(harness.open())
        },
      ),
      { numRuns: 40 },
    )
  })
})
