import { expect, test } from 'vitest'
import { answerSizeOf } from '../../../broker/api/answer-size.ts'
import { type Encodable, encodeResponse, fetch, metadata, Writer } from '../../../protocol/index.ts'

test('an answer with records is given room for all of them at once', () => {
  const size = answerSizeOf(fetch.response.fields)
  const partition = (partitionIndex: number, bytes: number) => ({
    partitionIndex,
    errorCode: 0,
    highWatermark: 5,
    lastStableOffset: 5,
    logStartOffset: 0,
    abortedTransactions: null,
    records: { length: bytes, readInto: (target: Buffer, at: number) => void target.fill(1, at, at + bytes) },
  })
  const response: Encodable<typeof fetch.response> = {
    throttleTimeMs: 0,
    responses: [
      { topic: 'a', partitions: [partition(0, 100_000), partition(1, 5)] },
      { topic: 'b', partitions: [{ ...partition(0, 0), records: null }] },
    ],
  }
  const writer = new Writer(64)
  encodeResponse(fetch, 12, response, writer)
  expect(size(response)).toBeGreaterThanOrEqual(writer.position)
  expect(size(response)).toBeLessThan(writer.position + 1000)
})

test('other answers are taken to be small', () => {
  expect(answerSizeOf(metadata.response.fields)({ topics: [] })).toBeLessThan(1000)
  expect(answerSizeOf(fetch.response.fields)(undefined)).toBeLessThan(1000)
})
