import { expect, test } from 'vitest'
import { askEveryMs, LagElsewhere, type LagElsewhereOptions } from '../../../broker/groups/lag-elsewhere.ts'
import { FakeClock } from '../../support/fake-clock.ts'

type Answer = Awaited<ReturnType<LagElsewhereOptions['ask']>>

/** Topic `t`: partition 0 is led here, the others by the broker of their number; each question is answered by hand. */
function asker() {
  const clock = new FakeClock()
  const questions: { leader: number; asked: string[]; answer: (answer: Answer) => Promise<void> }[] = []
  const offsets = new Map([0, 1, 2, 2].map((partition, index) => [`g${index}`, { partition, offset: 40 }]))
  const lag = new LagElsewhere({
    clock,
    positions: () => Array.from(offsets, ([group, place]) => ({ group, topic: 't', ...place })),
    leaderElsewhere: (_topic, partition) => (partition === 0 ? undefined : partition),
    ask: (leader, positions) => {
      const asked = positions.map(({ group, partition, offset }) => `${group} ${partition} ${offset}`)
      const { promise, resolve } = Promise.withResolvers<Answer>()
      const answer = async (given: Answer): Promise<void> => {
        resolve(given)
        for (let turns = 0; turns < 5; turns++) await promise
      }
      questions.push({ leader, asked, answer })
      return promise
    },
  })
  return { clock, questions, offsets, lag }
}

test('each leader is asked once for all that it leads, and what it says is told', async () => {
  const { clock, questions, lag } = asker()
  clock.advance(askEveryMs)
  expect(questions.map(({ leader, asked }) => ({ leader, asked }))).toEqual([
    { leader: 1, asked: ['g1 1 40'] },
    { leader: 2, asked: ['g2 2 40', 'g3 2 40'] },
  ])
  expect(lag.of('g1', 't', 1)).toBeUndefined()
  await questions[0]!.answer([{ highWatermark: 100, timeMs: clock.nowMs() - 5000 }])
  await questions[1]!.answer([
    { highWatermark: 40, timeMs: null },
    { highWatermark: 41, timeMs: null },
  ])
  expect(lag.of('g1', 't', 1)).toEqual({ records: 60, seconds: 5 })
  expect(lag.of('g2', 't', 2)).toEqual({ records: 0, seconds: 0 })
  expect(lag.of('g3', 't', 2)).toEqual({ records: 1, seconds: undefined })
  lag.stop()
})

test('a leader that has not answered is not asked again, and what it said grows old', async () => {
  const { clock, questions, lag } = asker()
  clock.advance(askEveryMs)
  await questions[0]!.answer([{ highWatermark: 100, timeMs: null }])
  clock.advance(askEveryMs)
  expect(questions.map(({ leader }) => leader)).toEqual([1, 2, 1])
  clock.advance(2 * askEveryMs)
  expect(questions.map(({ leader }) => leader)).toEqual([1, 2, 1])
  expect(lag.of('g1', 't', 1)?.records).toBe(60)
  clock.advance(1)
  expect(lag.of('g1', 't', 1)).toBeUndefined()
  await questions[2]!.answer(undefined)
  clock.advance(askEveryMs)
  expect(questions.map(({ leader }) => leader)).toEqual([1, 2, 1, 1])
  lag.stop()
})

test('nothing is told of a partition whose leader is another one now, nor of a group that is gone', async () => {
  const { clock, questions, offsets, lag } = asker()
  clock.advance(askEveryMs)
  await questions[0]!.answer([{ highWatermark: null, timeMs: null }])
  expect(lag.of('g1', 't', 1)).toBeUndefined()
  await questions[1]!.answer([
    { highWatermark: 50, timeMs: null },
    { highWatermark: 50, timeMs: null },
  ])
  offsets.delete('g2')
  offsets.delete('g3')
  clock.advance(askEveryMs)
  expect(lag.of('g2', 't', 2)).toBeUndefined()
  lag.stop()
})

test('an answer to another question is not taken for one', async () => {
  const { clock, questions, lag } = asker()
  clock.advance(askEveryMs)
  await questions[1]!.answer([{ highWatermark: 50, timeMs: null }])
  expect(lag.of('g2', 't', 2)).toBeUndefined()
  lag.stop()
})

test('once stopped it asks no more', () => {
  const { clock, questions, lag } = asker()
  lag.stop()
  clock.advance(askEveryMs)
  expect(questions).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})
