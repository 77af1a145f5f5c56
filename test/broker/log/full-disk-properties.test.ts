import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordBatchView } from '../../../protocol/index.ts'
import { aBatch, aLog, readAll } from '../../support/a-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

interface Batch {
  readonly lastOffset: number
  readonly producerId: number
  readonly bytes: Buffer
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      producerId: fc.integer({ min: 1, max: 3 }),
      bytes: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.constant(70_000)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('endTurn' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('room' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('room' as const), bytes: fc.constant(10_000_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
)

test('whenever the disk fills up, exactly what was told to be written is there, and its producers with it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const harness = aLog({ 'segment.bytes': 80_000, 'index.interval.bytes': 100 })
      const { turn, disk } = harness
      let log = harness.log
      let written: Batch[] = []
      let waiting: Batch[] = []
      const listen = (): void =>
        log.onWritten({
          written: logEndOffset => {
            written = [...written, ...waiting.filter(({ lastOffset }) => lastOffset < logEndOffset)]
            waiting = waiting.filter(({ lastOffset }) => lastOffset >= logEndOffset)
          },
          refused: endOffset => {
            waiting = waiting.filter(({ lastOffset }) => lastOffset < endOffset)
          },
          failed: error => {
            throw error
          },
        })
      listen()
      for (const action of steps) {
        if (action.kind === 'append') {
          const sequences = [...written, ...waiting].filter(batch => batch.producerId === action.producerId)
          const bytes = aBatch(['v'.repeat(action.bytes)], {
            producerId: action.producerId,
            producerEpoch: 0,
            baseSequence: sequences.length,
          })
          const outcome = log.appendAsLeader(bytes, client)
          if (outcome.kind === 'refused') expect(outcome.error).toBe('KAFKA_STORAGE_ERROR')
          else waiting.push({ lastOffset: outcome.lastOffset, producerId: action.producerId, bytes })
          expect(outcome.kind).not.toBe('duplicate')
          // What a refused append does to those before it is told at the end of the turn; until then nothing is accepted.
          if (outcome.kind === 'refused') turn.flush()
        } else if (action.kind === 'endTurn') turn.flush()
        else if (action.kind === 'room') disk.capacityBytes = disk.usedBytes + action.bytes
        else if (action.kind === 'roll') log.roll()
        else {
          turn.flush()
          // The new process needs some room for what it makes.
          disk.capacityBytes = Number.POSITIVE_INFINITY
          disk.kill()
          log = harness.open()
          listen()
        }
      }
      turn.flush()
      expect(waiting).toEqual([])
      expect(log.logEndOffset).toBe(written.length)
      expect(readAll(log).equals(Buffer.concat(written.map(({ bytes }) => bytes)))).toBe(true)
      for (const { producerId, lastSequence } of log.producers.describe()) {
        expect(lastSequence).toBe(written.filter(batch => batch.producerId === producerId).length - 1)
      }
      for (const segment of log.segments) {
        for (const { offset, position } of segment.offsets.entries()) {
          const bytes = Buffer.alloc(61)
          segment.readSync(bytes, 0, 61, position)
          expect(new RecordBatchView(bytes).lastOffset).toBe(offset)
        }
      }
    }),
    { numRuns: 150 },
  )
})
