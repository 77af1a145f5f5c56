import { describe, expect, test } from 'vitest'
import { BatchCleaner, type BatchCleanerParts, type LastRecord } from '../../../broker/log/clean-batch.ts'
import {
  type BatchToBuild,
  buildBatch,
  buildEndTransactionMarker,
  decodeRecords,
  RecordBatchView,
} from '../../../protocol/index.ts'
import { records } from '../../support/a-compacted-log.ts'

const nowMs = 1_800_000_000_000
const retentionMs = 1000

/** A cleaner that knows these last offsets of keys. */
function aCleaner(
  last: Readonly<Record<string, number>>,
  parts: Partial<BatchCleanerParts> = {},
): BatchCleaner {
  return new BatchCleaner({
    map: {
      get: (bytes, start, length) => last[Buffer.from(bytes).toString('utf8', start, start + length)] ?? -1,
    },
    mapEndOffset: 1000,
    transactions: { isAborted: () => false, isSpent: () => false },
    lastRecordOf: () => undefined,
    lastOffset: 999,
    nowMs,
    deleteRetentionMs: retentionMs,
    mostUnpackedBytes: 2 ** 20,
    ...parts,
  })
}

function batch(text: string, options: Partial<BatchToBuild> = {}): RecordBatchView {
  return new RecordBatchView(records(text, { baseOffset: 100, ...options }))
}

function cleaned(cleaner: BatchCleaner, given: RecordBatchView): RecordBatchView | undefined {
  const bytes = cleaner.clean(given)
  return bytes === undefined ? undefined : new RecordBatchView(bytes)
}

function keysOf(given: RecordBatchView | undefined): string[] | undefined {
  if (given === undefined) return undefined
  return Array.from(
    decodeRecords(given, { maxDecompressedBytes: 2 ** 20 }),
    ({ key, offset }) => `${offset}:${key?.toString() ?? ''}`,
  )
}

describe('a record', () => {
  test('stays unless the map has its key at a later offset', () => {
    const cleaner = aCleaner({ a: 101, b: 100, c: 102 })
    expect(keysOf(cleaned(cleaner, batch('a=1 a=2 c=1')))).toEqual(['101:a', '102:c'])
    expect(keysOf(cleaned(cleaner, batch('x=1 b=1')))).toEqual(['100:x', '101:b'])
  })

  test('goes when it has no key, unless it lies behind what was mapped', () => {
    expect(keysOf(cleaned(aCleaner({}), batch('=1 a=1')))).toEqual(['101:a'])
    expect(keysOf(cleaned(aCleaner({}, { mapEndOffset: 100 }), batch('=1 a=1')))).toEqual(['100:', '101:a'])
    expect(keysOf(cleaned(aCleaner({ a: 500 }, { mapEndOffset: 100 }), batch('a=1')))).toEqual(['100:a'])
    expect(keysOf(cleaned(aCleaner({ a: 500 }, { mapEndOffset: 101 }), batch('a=1 a=2')))).toEqual(['101:a'])
  })

  test('of an aborted transaction goes', () => {
    const cleaner = aCleaner({}, { transactions: { isAborted: () => true, isSpent: () => false } })
    expect(cleaned(cleaner, batch('a=1'))).toBeUndefined()
  })
})

describe('a batch', () => {
  test('of which nothing goes is copied byte for byte', () => {
    const given = batch('a=1 b=1', { compression: 'zstd' })
    expect(aCleaner({ a: 100, b: 101 }).clean(given)).toEqual(given.bytes)
  })

  test('of which nothing stays goes', () => {
    expect(aCleaner({ a: 500 }).clean(batch('a=1 a=2'))).toBeUndefined()
    expect(
      aCleaner({}).clean(new RecordBatchView(buildBatch({ records: [], lastOffsetDelta: 3 }))),
    ).toBeUndefined()
  })

  test('stays, empty, when it is the last of what is cleaned', () => {
    const empty = cleaned(aCleaner({ a: 500 }, { lastOffset: 101 }), batch('a=1 a=2'))
    expect(empty).toMatchObject({ baseOffset: 100, lastOffset: 101, recordCount: 0 })
  })

  test('stays, empty, when it is the last of a producer that lives', () => {
    const lastRecordOf = (id: number): LastRecord | undefined =>
      id === 7 ? { lastDataOffset: 101, epoch: 2 } : undefined
    const cleaner = aCleaner({ a: 500 }, { lastRecordOf })
    const producer = { producerId: 7, producerEpoch: 2, baseSequence: 40 }
    expect(cleaned(cleaner, batch('a=1 a=2', producer))).toMatchObject({ recordCount: 0, lastSequence: 41 })
    expect(cleaned(cleaner, batch('a=1', producer))).toBeUndefined()
    expect(cleaned(cleaner, batch('a=1 a=2', { ...producer, producerId: 8 }))).toBeUndefined()
  })

  test('that holds a tombstone gets its horizon once', () => {
    const cleaner = aCleaner({ a: 500 })
    const first = cleaned(cleaner, batch('a=1 b c=1'))
    expect(keysOf(first)).toEqual(['101:b', '102:c'])
    expect(first?.deleteHorizonMs).toBe(nowMs + retentionMs)
    const later = aCleaner({}, { nowMs: nowMs + retentionMs - 1 })
    expect(first === undefined ? undefined : later.clean(first)).toEqual(first?.bytes)
    const due = aCleaner({}, { nowMs: nowMs + retentionMs })
    const last = first === undefined ? undefined : cleaned(due, first)
    expect(keysOf(last)).toEqual(['102:c'])
    expect(last).toMatchObject({ maxTimestamp: 1_700_000_000_000, deleteHorizonMs: nowMs + retentionMs })
  })
})

describe('a marker', () => {
  const marker = (): RecordBatchView =>
    new RecordBatchView(
      buildEndTransactionMarker({
        outcome: 'commit',
        producerId: 7,
        producerEpoch: 2,
        coordinatorEpoch: 1,
        timestampMs: 5,
        baseOffset: 100,
      }),
    )
  const spent = { isAborted: () => false, isSpent: () => true }

  test('stays as it is while its transaction has data', () => {
    const given = marker()
    expect(aCleaner({}).clean(given)).toEqual(given.bytes)
  })

  test('that is spent gets a horizon, and goes when that has passed', () => {
    const first = cleaned(aCleaner({}, { transactions: spent }), marker())
    expect(first).toMatchObject({ deleteHorizonMs: nowMs + retentionMs, maxTimestamp: 5, isControl: true })
    if (first === undefined) return
    const before = aCleaner({}, { transactions: spent, nowMs: nowMs + retentionMs - 1 })
    expect(before.clean(first)).toEqual(first.bytes)
    const due = { transactions: spent, nowMs: nowMs + retentionMs }
    expect(aCleaner({}, due).clean(first)).toBeUndefined()
    // Nothing else says which epoch the producer has.
    const lastRecordOf = (): LastRecord => ({ lastDataOffset: -1, epoch: 2 })
    const emptied = cleaned(aCleaner({}, { ...due, lastRecordOf }), first)
    expect(emptied).toMatchObject({ recordCount: 0, isControl: true, producerEpoch: 2 })
    expect(emptied === undefined ? undefined : aCleaner({}, due).clean(emptied)).toBeUndefined()
  })
})
