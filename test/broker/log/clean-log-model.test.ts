// Compaction against a model: whatever was written, however it was compacted and however often, a reader who reads committed
// records and keeps the last of every key ends with the same.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recoverLog } from '../../../broker/log/recovery.ts'
import {
  batchesOf,
  buildBatch,
  buildEndTransactionMarker,
  type CompressionType,
  compressionTypes,
  decodeControlRecord,
  decodeRecords,
} from '../../../protocol/index.ts'
import { compact, settle } from '../../support/a-compacted-log.ts'
import { aLog, append, type LogHarness, logOn, readAll } from '../../support/a-log.ts'

const retentionMs = 1000

type Step =
  | {
      readonly kind: 'data'
      /** 0 and 1 write transactions, 2 only sequences, 3 neither. */
      readonly producer: number
      readonly records: readonly { readonly key: number; readonly isTombstone: boolean }[]
      readonly compression: CompressionType
      readonly isStamped: boolean
    }
  | { readonly kind: 'end'; readonly producer: number; readonly isCommit: boolean }
  | { readonly kind: 'roll' }
  | { readonly kind: 'advance'; readonly byMs: number }
  | { readonly kind: 'clean'; readonly slots: number; readonly fromStart: boolean }
  | { readonly kind: 'restart' }

const keys = 6

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('data' as const),
      producer: fc.integer({ min: 0, max: 3 }),
      // The last one stands for no key.
      records: fc.array(fc.record({ key: fc.integer({ min: 0, max: keys }), isTombstone: fc.boolean() }), {
        minLength: 1,
        maxLength: 5,
      }),
      compression: fc.constantFrom(...compressionTypes),
      isStamped: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer: fc.integer({ min: 0, max: 1 }),
      isCommit: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'roll' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      byMs: fc.integer({ min: 1, max: 2 * retentionMs }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('clean' as const),
      slots: fc.integer({ min: 8, max: 20 }),
      fromStart: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

interface Written {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

class Scenario {
  harness: LogHarness
  readonly written = new Map<number, Written>()
  readonly #sequences = [0, 0, 0]
  readonly #open = new Set<number>()

  constructor() {
    this.harness = aLog({
      // So that records without a key may be written.
      'cleanup.policy': ['delete'],
      'retention.ms': -1,
      'segment.bytes': 700,
      'delete.retention.ms': retentionMs,
      'index.interval.bytes': 100,
    })
  }

  async run(next: Step): Promise<void> {
    const { log, clock } = this.harness
    switch (next.kind) {
      case 'data':
        return this.#write(next)
      case 'end':
        return this.#end(next)
      case 'roll':
        return log.roll()
      case 'advance':
        return clock.advance(next.byMs)
      case 'clean':
        return this.#clean(next)
      case 'restart':
        return this.#restart()
    }
  }

  #write({ producer, records, compression, isStamped }: Extract<Step, { kind: 'data' }>): void {
    const { log, clock, settings } = this.harness
    const baseOffset = log.nextOffset
    const list = records.map(({ key, isTombstone }, index) => ({
      offset: baseOffset + index,
      key: key === keys ? null : `key-${key}`,
      value: isTombstone ? null : `value-${baseOffset + index}`,
      timestamp: clock.nowMs() + index * 7,
    }))
    settings['message.timestamp.type'] = isStamped ? 'LogAppendTime' : 'CreateTime'
    const isTransactional = producer < 2
    const batch = buildBatch({
      records: list.map(({ key, value, timestamp }) => ({
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestamp,
        headers: [{ key: 'h', value: Buffer.from(String(timestamp)) }],
      })),
      compression,
      isTransactional,
      ...(producer === 3
        ? {}
        : { producerId: producer, producerEpoch: 0, baseSequence: this.#sequences[producer]! }),
    })
    append(this.harness, batch)
    if (producer !== 3) this.#sequences[producer]! += list.length
    if (isTransactional) this.#open.add(producer)
    for (const record of list) {
      this.written.set(record.offset, isStamped ? { ...record, timestamp: clock.nowMs() } : record)
    }
  }

  #end({ producer, isCommit }: Extract<Step, { kind: 'end' }>): void {
    if (!this.#open.delete(producer)) return
    this.harness.settings['message.timestamp.type'] = 'CreateTime'
    const marker = buildEndTransactionMarker({
      outcome: isCommit ? 'commit' : 'abort',
      producerId: producer,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestampMs: this.harness.clock.nowMs(),
    })
    append(this.harness, marker, { origin: 'coordinator' })
  }

  async #clean({ slots, fromStart }: Extract<Step, { kind: 'clean' }>): Promise<void> {
    await settle(this.harness)
    const { log } = this.harness
    if (fromStart) log.cleaning.cleanedTo(0)
    const before = { state: stateOf(log), bytes: readAll(log), end: log.logEndOffset }
    const active = log.segments.at(-1)?.baseOffset ?? 0
    const stable = log.lastStableOffset
    const outcome = await compact(this.harness, { mapBytes: slots * 24 })
    this.check()
    expect(log.logEndOffset).toBe(before.end)
    expect(stateOf(log)).toEqual(before.state)
    // Not a byte changes from the first thing on that is not decided or is being written.
    const untouched = Math.min(active, stable)
    expect(bytesFrom(readAll(log), untouched)).toEqual(bytesFrom(before.bytes, untouched))
    if (outcome === undefined) return
    const seen = new Set<string>()
    for (const { offset, key, isAborted } of recordsOf(log)) {
      if (offset >= outcome.endOffset) continue
      expect(key).not.toBeNull()
      expect(isAborted).toBe(false)
      expect(seen.has(key ?? ''), `${key} at ${offset}`).toBe(false)
      seen.add(key ?? '')
    }
  }

  /** The process is killed; the log is read again. */
  async #restart(): Promise<void> {
    await settle(this.harness)
    const { log, disk, clock, settings } = this.harness
    const before = { content: readAll(log), state: stateOf(log), producers: producersOf(log) }
    const { highWatermark, recoveryPoint } = log
    const { firstDirtyOffset } = log.cleaning
    disk.kill()
    for (const path of disk.paths()) if (path.endsWith('.snapshot')) disk.unlink(path)
    recoverLog(disk, {
      directory: '/data/topic-0',
      recoveryPoint,
      logStartOffset: 0,
      indexIntervalBytes: 100,
      producerExpirationMs: 86_400_000,
      nowMs: clock.nowMs(),
    })
    const again = logOn(disk, '/data/topic-0', settings, { clock })
    this.harness = {
      ...again,
      log: again.open({
        highWatermark,
        recoveryPoint,
        ...(firstDirtyOffset === undefined ? {} : { firstDirtyOffset }),
      }),
    }
    expect(readAll(this.harness.log)).toEqual(before.content)
    expect(stateOf(this.harness.log)).toEqual(before.state)
    expect(producersOf(this.harness.log)).toEqual(before.producers)
  }

  /** What is in the log is what was written at that offset, and in order. */
  check(): void {
    let previous = -1
    for (const { offset, key, value, timestamp, header } of recordsOf(this.harness.log)) {
      expect(offset).toBeGreaterThan(previous)
      previous = offset
      const original = this.written.get(offset)
      expect({ offset, key, value, timestamp }).toEqual(original)
      expect(header).toBeDefined()
    }
  }
}

test('compaction changes nothing for those who keep the last record of every key', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async steps => {
      const scenario = new Scenario()
      for (const next of steps) await scenario.run(next)
      await scenario.run({ kind: 'roll' })
      await scenario.run({ kind: 'clean', slots: 20, fromStart: true })
      await scenario.run({ kind: 'restart' })
    }),
    { numRuns: 150 },
  )
})

test('a tombstone that is due is gone after a cleaning, and one that is not is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async steps => {
      const scenario = new Scenario()
      for (const next of steps) if (next.kind !== 'advance') await scenario.run(next)
      await scenario.run({ kind: 'end', producer: 0, isCommit: true })
      await scenario.run({ kind: 'end', producer: 1, isCommit: true })
      await scenario.run({ kind: 'roll' })
      const cleaned = async (): Promise<string[]> => {
        await scenario.run({ kind: 'clean', slots: 20, fromStart: true })
        return tombstonesOf(scenario.harness.log)
      }
      const last = new Map<string, string>()
      for (const { key, value, offset, isAborted } of recordsOf(scenario.harness.log)) {
        if (key !== null && !isAborted) last.set(key, value === null ? `${offset}` : 'alive')
      }
      const expected = [...last.values()].filter(value => value !== 'alive').sort()
      expect(await cleaned()).toEqual(expected)
      scenario.harness.clock.advance(retentionMs - 1)
      expect(await cleaned()).toEqual(expected)
      scenario.harness.clock.advance(1)
      expect(await cleaned()).toEqual([])
    }),
    { numRuns: 50 },
  )
})

type Log = LogHarness['log']

function tombstonesOf(log: Log): string[] {
  return [...recordsOf(log)].flatMap(({ value, offset }) => (value === null ? [`${offset}`] : [])).sort()
}

function bytesFrom(bytes: Buffer, offset: number): string[] {
  return [...batchesOf(bytes)]
    .filter(({ baseOffset }) => baseOffset >= offset)
    .map(batch => batch.bytes.toString('hex'))
}

/** Data records with what the index of aborted transactions says of them, in the way of a consumer. */
function* recordsOf(
  log: Log,
): Generator<Written & { readonly isAborted: boolean; readonly header: string | undefined }> {
  const waiting = log.segments
    .flatMap(({ transactions }) => transactions.all())
    .sort((a, b) => a.firstOffset - b.firstOffset)
  const aborted = new Set<number>()
  for (const batch of batchesOf(readAll(log))) {
    while (waiting[0] !== undefined && waiting[0].firstOffset <= batch.lastOffset) {
      aborted.add(waiting.shift()!.producerId)
    }
    const list = [...decodeRecords(batch, { maxDecompressedBytes: 2 ** 24 })]
    if (batch.isControl) {
      const [marker] = list
      if (marker !== undefined && decodeControlRecord(marker).kind === 'abort')
        aborted.delete(batch.producerId)
      continue
    }
    const isAborted = batch.isTransactional && aborted.has(batch.producerId)
    for (const { offset, key, value, timestamp, headers } of list) {
      const header = headers[0]?.value?.toString()
      yield {
        offset,
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        timestamp,
        isAborted,
        header,
      }
    }
  }
}

/** The last committed record of every key, below and above the last stable offset alike. */
function stateOf(log: Log): Record<string, string> {
  const state: Record<string, string> = {}
  for (const { key, value, isAborted } of recordsOf(log)) {
    if (key === null || isAborted) continue
    if (value === null) delete state[key]
    else state[key] = value
  }
  return state
}

function producersOf(log: Log): object[] {
  return log.producers
    .describe()
    .map(({ producerId, producerEpoch, lastSequence, currentTxnStartOffset }) => ({
      producerId,
      producerEpoch,
      lastSequence,
      currentTxnStartOffset,
    }))
    .sort((a, b) => a.producerId - b.producerId)
}
