import fc from 'fast-check'
import { expect, test } from 'vitest'
import { balanceMoves, drainMoves, replicasFor } from '../../../operator/reconcile/move-replicas.ts'
import { replicasByBroker } from '../../../operator/reconcile/observed-cluster.ts'
import { aKafka } from './a-kafka.ts'

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

test('balancing again and again ends, with brokers that differ by one at most unless partitions forbid it', () => {
  fc.assert(
    fc.property(anyAssignment, ([brokers, start]) => {
      const racks = Array.from({ length: brokers }, () => 'same')
      let partitions = start
      for (let round = 0; ; round++) {
        expect(round).toBeLessThan(100)
        const moves = balanceMoves(aKafka(racks, partitions))
        if (moves.length === 0) break
        partitions = partitions.map((replicas, index) => [
          ...(moves.find(({ partition }) => partition === index)?.replicas ?? replicas),
        ])
      }
      partitions.forEach((replicas, index) => {
        expect(new Set(replicas).size).toBe(start[index]?.length)
      })
      if (partitions.every(({ length }) => length === 1)) {
        const counts = replicasByBroker(aKafka(racks, partitions))
        const all = racks.map((_, id) => counts.get(id) ?? 0)
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
