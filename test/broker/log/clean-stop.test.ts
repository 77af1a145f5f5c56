import { expect, test } from 'vitest'
import {
  formatCleanStop,
  formatLogEnds,
  parseCleanStop,
  parseLogEnds,
} from '../../../broker/log/clean-stop.ts'

test('the clean-stop file carries the broker epoch as Kafka writes it', () => {
  expect(formatCleanStop(42)).toBe('{"version":0,"brokerEpoch":42}')
  expect(parseCleanStop('{"version":0,"brokerEpoch":42}')).toBe(42)
})

test.each(['', '{', 'null', '[]', '{"version":0}', '{"brokerEpoch":"x"}', '{"brokerEpoch":1.5}'])(
  'from %j no epoch is known',
  text => {
    expect(parseCleanStop(text)).toBe(-1)
  },
)

const end = { endOffset: 100, segmentBase: 90, segmentBytes: 1234 }

test('the ends of logs are read as they were written', () => {
  expect(parseLogEnds(formatLogEnds([{ replica: 'a-b-3', end }]))).toEqual(new Map([['a-b-3', end]]))
})

test('of a damaged list nothing is believed', () => {
  const text = formatLogEnds([
    { replica: 'a-0', end },
    { replica: 'a-1', end },
  ])
  expect(parseLogEnds(text.slice(0, -10)).size).toBe(0)
  expect(parseLogEnds('').size).toBe(0)
})
