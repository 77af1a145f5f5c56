import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LatencyHistogram } from '../../../broker/metrics/latency-histogram.ts'

test('a quantile is right within one eighth', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1 }),
      durations => {
        const histogram = new LatencyHistogram()
        for (const duration of durations) histogram.record(duration)
        const sorted = durations.toSorted((one, other) => one - other)
        for (const share of [0.5, 0.99]) {
          const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0
          const [estimate = 0] = histogram.quantilesMs([share], 0)
          expect(estimate).toBeGreaterThanOrEqual(Math.floor(exact * 1000) / 1000)
          expect(estimate).toBeLessThanOrEqual(exact * 1.126 + 0.002)
        }
      },
    ),
  )
})

test('quantiles forget what is more than two minutes old, totals do not', () => {
  const histogram = new LatencyHistogram()
  histogram.record(500)
  expect(histogram.quantilesMs([0.5], 0)[0]).toBeGreaterThan(450)
  expect(histogram.quantilesMs([1], 60_000)[0]).toBeGreaterThan(450)
  histogram.record(1)
  expect(histogram.quantilesMs([1], 120_000)[0]).toBeLessThan(2)
  expect(histogram.quantilesMs([1], 500_000)).toEqual([0])
  expect(histogram.count).toBe(2)
  expect(histogram.sumMs).toBe(501)
})

test('counts up to a bound grow with the bound', () => {
  const histogram = new LatencyHistogram()
  for (const duration of [0, 0.1, 1, 10, 100]) histogram.record(duration)
  expect(histogram.cumulative([6, 8, 12, 15, 20])).toEqual([1, 2, 3, 4, 5])
})

test('what is too long or negative is counted at the ends', () => {
  const histogram = new LatencyHistogram()
  histogram.record(1e12)
  histogram.record(-5)
  expect(histogram.count).toBe(2)
  expect(histogram.quantilesMs([0.5], 0)[0]).toBeLessThan(0.01)
})
