import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EpochStart, LeaderEpochs } from '../../../broker/log/leader-epochs.ts'
import { outOfRange, truncationOffset } from '../../../broker/replication/truncation.ts'

function log(endOffset: number, ...entries: readonly (readonly [epoch: number, startOffset: number])[]) {
  const starts: EpochStart[] = entries.map(([epoch, startOffset]) => ({ epoch, startOffset }))
  return { epochs: new LeaderEpochs(starts), endOffset }
}

test('what was written beyond the end of the common epoch is cut off', () => {
  expect(truncationOffset(log(20, [1, 0]), { epoch: 1, endOffset: 15 })).toBe(15)
})

test('when the leader has no epoch as late as the own one, the cut is at its end of the one before', () => {
  // Epoch 2 was this follower's own leadership, of which nobody else got a record.
  expect(truncationOffset(log(20, [1, 0], [2, 12]), { epoch: 1, endOffset: 15 })).toBe(12)
  expect(truncationOffset(log(20, [1, 0], [2, 18]), { epoch: 1, endOffset: 15 })).toBe(15)
})

test('an epoch that the follower does not know is cut back to the end of the one below, and asked again', () => {
  expect(truncationOffset(log(20, [1, 0], [5, 12]), { epoch: 3, endOffset: 18 })).toBe(12)
})

test('an epoch from before the follower began leaves nothing', () => {
  expect(truncationOffset(log(20, [5, 12]), { epoch: 3, endOffset: 18 })).toBe(12)
  expect(truncationOffset(log(20, [5, 12]), { epoch: 3, endOffset: 8 })).toBe(8)
})

test('who is ahead of its leader is cut, who is behind its log start begins anew, else one goes on', () => {
  expect(outOfRange(10, { logStartOffset: 0, endOffset: 7 })).toEqual({ kind: 'truncate', offset: 7 })
  expect(outOfRange(10, { logStartOffset: 12, endOffset: 20 })).toEqual({ kind: 'startAnew', offset: 12 })
  expect(outOfRange(10, { logStartOffset: 10, endOffset: 10 })).toEqual({ kind: 'goOn' })
})

/** A history of leaders: each epoch some records, of which a replica may have got only some before the next began. */
interface Batch {
  readonly epoch: number
  readonly id: number
}

/** As a fetch does: the leader answers where the follower's newest epoch ended, if that is before the follower's end. */
function cutUntilEqual(follower: Batch[], leader: readonly Batch[]): Batch[] {
  let own = follower
  for (let rounds = 0; rounds <= follower.length + 1; rounds++) {
    const last = own.at(-1)?.epoch
    if (last === undefined) return own
    const end = epochsOf(leader).endOffsetFor(last, leader.length)
    if (end.epoch < 0) throw new Error('The leader is always of the newest epoch.')
    if (end.epoch === last && end.endOffset >= own.length) return own
    const offset = truncationOffset({ epochs: epochsOf(own), endOffset: own.length }, end)
    expect(offset).toBeLessThan(own.length)
    own = own.slice(0, offset)
  }
  throw new Error('It does not end.')
}

function epochsOf(batches: readonly Batch[]): LeaderEpochs {
  const epochs = new LeaderEpochs()
  for (const [offset, { epoch }] of batches.entries()) epochs.assign(epoch, offset)
  return epochs
}

test('after the cuts a follower has a beginning of its leader’s log, whatever leaders there were', () => {
  const steps = fc.array(
    fc.record({
      leader: fc.nat(2),
      records: fc.nat(3),
      copies: fc.array(fc.nat(4), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  fc.assert(
    fc.property(steps, history => {
      let nextId = 0
      const logs: Batch[][] = [[], [], []]
      for (const [epoch, { leader, records, copies }] of history.entries()) {
        const led = logs[leader]!
        for (let at = 0; at < Math.max(1, records); at++) led.push({ epoch, id: nextId++ })
        for (const [replica, count] of copies.entries()) {
          // 0: the replica did not hear of this leader at all.
          if (replica === leader || count === 0) continue
          const cut = cutUntilEqual(logs[replica]!, led)
          expect(cut).toEqual(led.slice(0, cut.length))
          logs[replica] = led.slice(0, Math.max(cut.length, Math.min(led.length, cut.length + count - 1)))
        }
      }
    }),
  )
})
