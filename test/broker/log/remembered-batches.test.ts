import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closeAtOnce } from '../../../broker/log/log-directory.ts'
import type { Log } from '../../../broker/log/log.ts'
import { ProducerState } from '../../../broker/log/producer-state.ts'
import { recoverLog } from '../../../broker/log/recovery.ts'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch, aLog } from '../../support/a-log.ts'

// Whatever befalls a log, of each producer that wrote to it the last five batches are known.

const producerIds = [1, 2, 3]
const dayMs = 86_400_000

interface Written {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly records: number
  readonly baseOffset: number
}

class Machine {
  readonly #harness = aLog({ 'segment.bytes': 2000, 'index.interval.bytes': 200 })
  #log: Log = this.#harness.log
  #written: readonly Written[] = []

  get log(): Log {
    return this.#log
  }

  get written(): readonly Written[] {
    return this.#written
  }

  append(
    producerId: number,
    options: {
      readonly records?: number
      readonly inNewEpoch?: boolean
      readonly ageMs?: number
      readonly asFollower?: boolean
    } = {},
  ): Written {
    const { records = 1, inNewEpoch = false, ageMs = 0, asFollower = false } = options
    const last = this.#written.findLast(batch => batch.producerId === producerId)
    const goesOn = last !== undefined && !inNewEpoch
    const written = {
      producerId,
      producerEpoch: (last?.producerEpoch ?? 0) + (inNewEpoch ? 1 : 0),
      baseSequence: goesOn ? last.baseSequence + last.records : 0,
      records,
      baseOffset: this.#log.nextOffset,
    }
    const bytes = this.#bytes(written, ageMs)
    if (asFollower) new RecordBatchView(bytes).setBaseOffset(written.baseOffset)
    const outcome = asFollower ? this.#log.appendAsFollower(bytes) : this.#log.appendAsLeader(bytes, asLeader)
    expect(outcome).toMatchObject({ kind: 'appended' })
    this.#harness.turn.flush()
    this.#written = [...this.#written, written]
    return written
  }

  /** What the leader says of a batch that comes again. */
  again(written: Written) {
    return this.#log.appendAsLeader(this.#bytes(written, 0), asLeader)
  }

  restart(): void {
    closeAtOnce(this.#log)
    this.#log = this.#harness.open()
  }

  /** `handsOver`: recovery gives the log what it knows; otherwise, as for very many producers, its snapshot has to do. */
  killAndRecover(handsOver: boolean): void {
    this.#harness.disk.kill()
    const { recoveryPoint, end, producers } = recoverLog(this.#harness.disk, {
      directory: this.#log.directory,
      recoveryPoint: 0,
      logStartOffset: 0,
      indexIntervalBytes: 200,
      producerExpirationMs: dayMs,
      nowMs: this.#harness.clock.nowMs(),
    })
    const known =
      handsOver && producers !== undefined ? { producers: ProducerState.fromMemory(producers) } : {}
    this.#log = this.#harness.open({ recoveryPoint, ...(end === undefined ? {} : { end }), ...known })
  }

  truncateTo(offset: number): void {
    this.#log.truncateTo(offset)
    this.#harness.turn.flush()
    this.#written = this.#written.filter(({ baseOffset, records }) => baseOffset + records <= offset)
  }

  deleteFirstSegments(): void {
    this.#log.advanceHighWatermark(this.#log.logEndOffset)
    this.#log.deleteRecordsBefore(this.#log.segments.at(-1)!.baseOffset)
    this.#log.deleteOldSegments(this.#harness.clock.nowMs())
  }

  /** Every batch of the newest epoch is known, the last five with their place; those of older epochs are not. */
  expectAllKnown(): void {
    for (const producerId of producerIds) {
      const all = this.#written.filter(batch => batch.producerId === producerId)
      const epoch = all.at(-1)?.producerEpoch
      const entry = this.#log.producers.entry(producerId)
      expect(entry?.epoch).toBe(epoch)
      const ofEpoch = all.filter(({ producerEpoch }) => producerEpoch === epoch)
      const lately = new Set(ofEpoch.slice(-5))
      for (const batch of all) {
        const lastSequence = batch.baseSequence + batch.records - 1
        if (batch.producerEpoch !== epoch) {
          expect(this.again(batch)).toMatchObject({ kind: 'refused', error: 'INVALID_PRODUCER_EPOCH' })
        } else if (lately.has(batch)) {
          expect(this.again(batch)).toMatchObject({ kind: 'duplicate', baseOffset: batch.baseOffset })
        } else {
          expect(entry?.findBatch(batch.baseSequence, lastSequence)).toBeUndefined()
          expect(this.again(batch)).toMatchObject({ kind: 'duplicate', baseOffset: -1 })
        }
      }
    }
  }

  #bytes({ producerId, producerEpoch, baseSequence, records }: Written, ageMs: number): Buffer {
    const timestamp = this.#harness.clock.nowMs() - ageMs
    return aBatch(records, {
      producerId,
      producerEpoch,
      baseSequence,
      records: Array.from({ length: records }, () => ({ value: Buffer.alloc(50), timestamp })),
    })
  }
}

const asLeader = { leaderEpoch: 0, origin: 'client' } as const

function withBatches(count: number, whileAppending: (machine: Machine, batch: number) => void = () => {}) {
  const machine = new Machine()
  for (let batch = 0; batch < count; batch++) {
    machine.append(1, { records: 1 + (batch % 3) })
    whileAppending(machine, batch)
  }
  return machine
}

test('a retry of any batch that may be on its way is answered with its first offset after a clean restart', () => {
  const machine = withBatches(8)
  machine.restart()
  machine.expectAllKnown()
})

test('and after a kill, with a segment begun between the batches', () => {
  for (const handsOver of [true, false]) {
    const machine = withBatches(8, ({ log }, batch) => batch === 5 && log.roll())
    machine.killAndRecover(handsOver)
    machine.expectAllKnown()
  }
})

test('and after the end was cut off behind a segment that was begun between the batches', () => {
  const machine = withBatches(8, ({ log }, batch) => batch === 5 && log.roll())
  machine.truncateTo(machine.written.at(-1)!.baseOffset)
  machine.expectAllKnown()
})

test('and after the segments with the older ones were deleted', () => {
  const machine = withBatches(8, ({ log }, batch) => batch === 5 && log.roll())
  machine.deleteFirstSegments()
  machine.restart()
  machine.expectAllKnown()
})

test('records with times of long ago do not make a producer that writes now be forgotten at a restart', () => {
  for (const asFollower of [true, false]) {
    const machine = new Machine()
    for (let batch = 0; batch < 3; batch++) machine.append(1, { ageMs: 30 * dayMs, asFollower })
    machine.restart()
    machine.expectAllKnown()
    machine.killAndRecover(false)
    machine.expectAllKnown()
  }
})

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      producerId: fc.constantFrom(...producerIds),
      records: fc.integer({ min: 1, max: 3 }),
      inNewEpoch: fc.integer({ min: 0, max: 9 }).map(drawn => drawn === 0),
      ageMs: fc.constantFrom(0, 0, 1000, 3 * dayMs),
      asFollower: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('truncate' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('kill' as const), handsOver: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('roll' as const, 'restart' as const) }),
  },
)

test('whatever is appended, cut off, restarted and killed, what is known of producers is what is in the log', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), steps => {
      const machine = new Machine()
      for (const action of steps) {
        if (action.kind === 'append') machine.append(action.producerId, action)
        else if (action.kind === 'truncate')
          machine.truncateTo(Math.round(machine.log.nextOffset * action.share))
        else if (action.kind === 'kill') machine.killAndRecover(action.handsOver)
        else if (action.kind === 'restart') machine.restart()
        else machine.log.roll()
        if (action.kind !== 'append') machine.expectAllKnown()
      }
      machine.expectAllKnown()
    }),
    { numRuns: 100 },
  )
})
