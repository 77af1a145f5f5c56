import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  brokersForPlacement,
  type PlacementBroker,
  placeReplicas,
} from '../../../broker/controller/placement.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { withBroker, withoutBroker } from './image-of.ts'

function brokers(racks: readonly (string | null)[]): PlacementBroker[] {
  return racks.map((rack, at) => ({ id: at + 1, rack, isAlive: true }))
}

function counts(ids: Iterable<number>): number[] {
  const byId = new Map<number, number>()
  for (const id of ids) byId.set(id, (byId.get(id) ?? 0) + 1)
  return [...byId.values()]
}

const cases = fc.record({
  racks: fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: 1, maxLength: 12 }),
  partitions: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(),
  firstPartition: fc.nat(20),
  factor: fc.double({ min: 0, max: 1, noNaN: true }),
})

describe('placement', () => {
  test('every partition has as many different replicas as asked', () => {
    fc.assert(
      fc.property(cases, ({ racks, partitions, seed, firstPartition, factor }) => {
        const replicationFactor = Math.max(1, Math.round(factor * racks.length))
        const options = { partitions, replicationFactor, firstPartition }
        const placed = placeReplicas(brokers(racks), options, seededRandom(seed))
        expect(placed).toHaveLength(partitions)
        for (const replicas of placed) {
          expect(new Set(replicas).size).toBe(replicationFactor)
          for (const id of replicas) expect(id >= 1 && id <= racks.length).toBe(true)
        }
      }),
    )
  })

  test('replicas are spread over as many racks as there are', () => {
    fc.assert(
      fc.property(cases, ({ racks, partitions, seed, firstPartition, factor }) => {
        const replicationFactor = Math.max(1, Math.round(factor * racks.length))
        const options = { partitions, replicationFactor, firstPartition }
        const placed = placeReplicas(brokers(racks), options, seededRandom(seed))
        const rackCount = new Set(racks).size
        for (const replicas of placed) {
          expect(new Set(replicas.map(id => racks[id - 1])).size).toBe(Math.min(rackCount, replicationFactor))
        }
      }),
    )
  })

  test('leaders differ by at most one between brokers', () => {
    fc.assert(
      fc.property(cases, ({ racks, partitions, seed, firstPartition }) => {
        const options = { partitions, replicationFactor: 1, firstPartition }
        const leaders = placeReplicas(brokers(racks), options, seededRandom(seed)).map(([leader]) => leader!)
        const perBroker = counts(leaders)
        if (partitions >= racks.length) expect(perBroker).toHaveLength(racks.length)
        expect(Math.max(...perBroker) - Math.min(...perBroker)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('followers are spread too: in equal racks nobody has more than a few replicas beyond the others', () => {
    const six = brokers(['a', 'b', 'c', 'a', 'b', 'c'])
    const placed = placeReplicas(
      six,
      { partitions: 600, replicationFactor: 3, firstPartition: 0 },
      seededRandom(7),
    )
    const perBroker = counts(placed.flat())
    expect(Math.max(...perBroker) - Math.min(...perBroker)).toBeLessThanOrEqual(30)
  })

  test('the start is random, and the same for the same seed', () => {
    const options = { partitions: 1, replicationFactor: 1, firstPartition: 0 }
    const starts = Array.from(
      { length: 50 },
      (_, seed) => placeReplicas(brokers([null, null, null]), options, seededRandom(seed))[0]![0],
    )
    expect(new Set(starts)).toEqual(new Set([1, 2, 3]))
    const again = Array.from(
      { length: 50 },
      (_, seed) => placeReplicas(brokers([null, null, null]), options, seededRandom(seed))[0]![0],
    )
    expect(again).toEqual(starts)
  })

  test('a broker that is away gets replicas but never the lead', () => {
    const line = brokers([null, null, null]).map(broker => ({ ...broker, isAlive: broker.id !== 2 }))
    const placed = placeReplicas(
      line,
      { partitions: 30, replicationFactor: 3, firstPartition: 0 },
      seededRandom(3),
    )
    for (const replicas of placed) {
      expect(replicas[0]).not.toBe(2)
      expect(replicas).toContain(2)
    }
  })

  test('who can take replicas: alive and away brokers, not cordoned ones', () => {
    let image = withBroker(emptyImage, 3, { rack: 'a' })
    image = withBroker(image, 1, { rack: 'b' })
    image = withBroker(image, 2, { cordoned: true })
    image = withBroker(image, 4, { fenced: true })
    image = withoutBroker(image, 1)
    expect(brokersForPlacement(image)).toEqual([
      { id: 1, rack: 'b', isAlive: false },
      { id: 3, rack: 'a', isAlive: true },
      { id: 4, rack: null, isAlive: false },
    ])
  })
})
