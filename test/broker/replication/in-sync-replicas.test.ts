import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextHighWatermark } from '../../../broker/replication/in-sync-replicas.ts'

const alone = { selfId: 1, followerEndOffsets: new Map(), isr: [1], replicas: [1], minInsyncReplicas: 1 }

test('a leader that is alone in sync commits what it has written', () => {
  expect(nextHighWatermark({ ...alone, localEndOffset: 10 }, 4)).toBe(10)
})

test('the slowest replica in sync holds the high watermark back', () => {
  const progress = {
    ...alone,
    localEndOffset: 10,
    isr: [1, 2, 3],
    replicas: [1, 2, 3],
    followerEndOffsets: new Map([
      [2, 9],
      [3, 6],
    ]),
  }
  expect(nextHighWatermark(progress, 4)).toBe(6)
})

test('a replica out of sync does not hold it back', () => {
  const progress = {
    ...alone,
    localEndOffset: 10,
    isr: [1, 2],
    replicas: [1, 2, 3],
    followerEndOffsets: new Map([[2, 9]]),
  }
  expect(nextHighWatermark(progress, 4)).toBe(9)
})

test('a replica in sync that has not fetched from this leader yet holds everything', () => {
  expect(nextHighWatermark({ ...alone, localEndOffset: 10, isr: [1, 2], replicas: [1, 2] }, 4)).toBe(4)
})

test('it stands still while fewer replicas are in sync than min.insync.replicas asks for', () => {
  const progress = { ...alone, localEndOffset: 10, replicas: [1, 2, 3], minInsyncReplicas: 2 }
  expect(nextHighWatermark(progress, 4)).toBe(4)
})

test('min.insync.replicas above the number of replicas counts as that number', () => {
  expect(nextHighWatermark({ ...alone, localEndOffset: 10, minInsyncReplicas: 3 }, 4)).toBe(10)
})

test('it never goes back and never passes a replica in sync', () => {
  fc.assert(
    fc.property(
      fc.nat(100),
      fc.array(fc.nat(100), { maxLength: 4 }),
      fc.nat(100),
      (local, followers, current) => {
        const followerEndOffsets = new Map(followers.map((endOffset, at) => [at + 2, endOffset]))
        const ids = [1, ...followerEndOffsets.keys()]
        const next = nextHighWatermark(
          {
            selfId: 1,
            localEndOffset: local,
            followerEndOffsets,
            isr: ids,
            replicas: ids,
            minInsyncReplicas: 1,
          },
          current,
        )
        expect(next).toBeGreaterThanOrEqual(current)
        if (next > current) expect(next).toBe(Math.min(local, ...followers))
      },
    ),
  )
})
