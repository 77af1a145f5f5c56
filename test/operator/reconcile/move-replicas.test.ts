import fc from 'fast-check'
import { expect, test } from 'vitest'
import { balanceMoves, drainMoves, replicasFor } from '../../../operator/reconcile/move-replicas.ts'
import { replicasByBroker } from '../../../operator/reconcile/observed-cluster.ts'
import { aKafka, kafkaWith } from './a-kafka.ts'

const anyAssignment = fc.integer({ min: 3, max: 6 }).chain(brokers =>
  fc.tuple(
    fc.constant(brokers),
    fc.array(fc.uniqueArray(fc.integer({ min: 0, max: brokers - 1 }), { minLength: 1, maxLength: 3 }), {
      maxLength: 40,
    }),
  ),
)

test('moving off a broker leaves every partition as many different replicas, in racks of their own where there are', () => {
  const kafka = aKafka(
    ['a', 'b', 'c', 'a', 'b', 'c'],
    [
      [0, 1, 5],
      [5, 3, 4],
    ],
  )
  expect(drainMoves(kafka, new Set([5]))).toEqual([
    { topic: 't', partition: 0, replicas: [0, 1, 2] },
    { topic: 't', partition: 1, replicas: [2, 3, 4] },
  ])
})

test('after draining nobody is on the broker, whatever there was', () => {
  fc.assert(
    fc.property(anyAssignment, ([brokers, partitions]) => {
      const leaving = new Set([brokers - 1])
      const racks = Array.from({ length: brokers }, (_, id) => `r${id % 3}`)
      const fits = partitions.filter(replicas => replicas.length < brokers)
      for (const { partition, replicas } of drainMoves(aKafka(racks, fits), leaving)) {
        expect(replicas?.some(id => leaving.has(id))).toBe(false)
        expect(new Set(replicas).size).toBe(fits[partition]?.length)
      }
    }),
  )
})

type Topics = Readonly<Record<string, readonly (readonly number[])[]>>

/** Moves until none is left to be made. */
function balanced(racks: readonly string[], start: Topics): Topics {
  let topics = start
  for (let round = 0; ; round++) {
    expect(round).toBeLessThan(200)
    const moves = balanceMoves(kafkaWith(racks, topics))
    if (moves.length === 0) return topics
    topics = Object.fromEntries(
      Object.entries(topics).map(([name, partitions]) => [
        name,
        partitions.map(
          (replicas, index) =>
            moves.find(({ topic, partition }) => topic === name && partition === index)?.replicas ?? replicas,
        ),
      ]),
    )
  }
}

const counts = (brokers: number, partitions: readonly (readonly number[])[] = []): readonly number[] =>
  Array.from({ length: brokers }, (_, id) => partitions.filter(replicas => replicas.includes(id)).length)

const onThree = (partitions: number): readonly (readonly number[])[] =>
  Array.from({ length: partitions }, (_, at) => [at % 3, (at + 1) % 3, (at + 2) % 3])

test('brokers that came get replicas of every topic, not of a large one alone', () => {
  const racks = ['a', 'a', 'a', 'a', 'a']
  const topics = balanced(racks, { __consumer_offsets: onThree(50), orders: onThree(10), small: onThree(1) })
  expect(counts(5, topics['__consumer_offsets'])).toEqual([30, 30, 30, 30, 30])
  expect(counts(5, topics['orders'])).toEqual([6, 6, 6, 6, 6])
})

test('many small topics are spread over brokers that came, too', () => {
  const names = Array.from({ length: 20 }, (_, at) => `topic-${at}`)
  const start = Object.fromEntries(names.map(name => [name, onThree(1)]))
  const all = Object.values(balanced(['a', 'a', 'a', 'a', 'a'], start)).flat()
  expect(counts(5, all)).toEqual([12, 12, 12, 12, 12])
})

test('a partition stays in as many racks as it was in, though a broker alone in its rack has more than others', () => {
  const racks = ['c', 'b', 'a', 'a', 'c']
  const { t = [] } = balanced(racks, { t: onThree(12) })
  for (const replicas of t) expect(new Set(replicas.map(id => racks[id])).size, String(replicas)).toBe(3)
  expect(counts(5, t)).toEqual([6, 12, 6, 6, 6])
})

test('what moves already counts where it will be', () => {
  const kafka = kafkaWith(['a', 'a'], { t: [[0], [0], [0, 1], [0, 1]] })
  const moves = [2, 3].map(partition => ({
    topic: 't',
    partition,
    replicas: [0, 1],
    adding: [1],
    removing: [0],
  }))
  expect(balanceMoves({ ...kafka, moves })).toEqual([])
  expect(balanceMoves({ ...kafka, moves: [] })).toHaveLength(1)
})

test('balancing never takes a rack from a partition, and it ends', () => {
  fc.assert(
    fc.property(anyAssignment, anyAssignment, ([first, one], [second, other]) => {
      const racks = Array.from({ length: Math.max(first, second) }, (_, id) => `r${id % 3}`)
      const racksIn = (replicas: readonly number[] = []): number =>
        new Set(replicas.map(id => racks[id])).size
      const after = balanced(racks, { one, other })
      for (const [name, before] of Object.entries({ one, other }))
        before.forEach((replicas, at) => {
          expect(racksIn(after[name]?.[at])).toBeGreaterThanOrEqual(racksIn(replicas))
        })
    }),
  )
})

test('balancing again and again ends, with brokers that differ by one at most unless partitions forbid it', () => {
  fc.assert(
    fc.property(anyAssignment, ([brokers, start]) => {
      const racks = Array.from({ length: brokers }, () => 'same')
      const { t: partitions = [] } = balanced(racks, { t: start })
      partitions.forEach((replicas, index) => {
        expect(new Set(replicas).size).toBe(start[index]?.length)
      })
      if (partitions.every(({ length }) => length === 1)) {
        const all = counts(brokers, partitions)
        expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('more replicas go where fewest are, fewer come from where most are, and the preferred leader stays', () => {
  const kafka = aKafka(
    ['a', 'b', 'c', 'd'],
    [
      [0, 1],
      [0, 1],
      [0, 2],
    ],
  )
  const load = replicasByBroker(kafka)
  expect(replicasFor(kafka, [0, 1], 3, load)).toEqual([0, 1, 3])
  expect(replicasFor(kafka, [0, 1, 2], 2, replicasByBroker(kafka))).toEqual([0, 2])
  expect(replicasFor(kafka, [0], 5, replicasByBroker(kafka))).toBeUndefined()
})
