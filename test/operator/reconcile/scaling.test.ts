import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reassignment } from '../../../client/index.ts'
import { type ReachedKafka, replicasByBroker } from '../../../operator/reconcile/observed-cluster.ts'
import { decideScale } from '../../../operator/reconcile/scaling.ts'
import { aKafka } from './a-kafka.ts'

const racks = (brokers: number): readonly string[] => Array.from({ length: brokers }, () => 'a')

/** Brokers that do at once what is decided. */
class Brokers {
  current: number
  readonly #cordoned = new Set<number>()
  #partitions: readonly (readonly number[])[]
  #isRebalancing = false

  constructor(brokers: number, partitions: readonly (readonly number[])[]) {
    this.current = brokers
    this.#partitions = partitions
  }

  get kafka(): ReachedKafka {
    return {
      ...aKafka(racks(this.current), this.#partitions),
      cordoned: new Set([...this.#cordoned].filter(id => id < this.current)),
    }
  }

  /** Whether something was left to do. */
  step(wanted: number): boolean {
    const { current, kafka } = this
    const isRebalancing = this.#isRebalancing
    const decided = decideScale({ wanted, current, kafka, onScaleUp: 'Rebalance', isRebalancing })
    for (const id of decided.cordon) this.#cordoned.add(id)
    for (const id of decided.uncordon) this.#cordoned.delete(id)
    this.#move(decided.moves)
    this.#isRebalancing = decided.isRebalancing
    for (let id = decided.replicas; id < current; id++) {
      expect(replicasByBroker(kafka).get(id) ?? 0, `replicas of broker ${id}, which goes`).toBe(0)
    }
    this.current = decided.replicas
    return decided.replicas !== wanted || decided.waitsFor !== undefined || decided.isRebalancing
  }

  #move(moves: readonly Reassignment[]): void {
    const targets = new Map(moves.map(({ partition, replicas }) => [partition, replicas]))
    this.#partitions = this.#partitions.map((replicas, index) => targets.get(index) ?? replicas)
  }
}

test('however often brokers become more and fewer, none goes with replicas, and those who came get their share', () => {
  const partitions = Array.from({ length: 12 }, (_, at) => [0, 1, 2].map(nth => (at + nth) % 3))
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 3, max: 6 }), { minLength: 1, maxLength: 6 }), wishes => {
      const brokers = new Brokers(3, partitions)
      for (const wanted of wishes) {
        const before = brokers.current
        let turns = 0
        while (brokers.step(wanted)) expect(turns++, `turns towards ${wanted} brokers`).toBeLessThan(50)
        expect(brokers.current).toBe(wanted)
        expect(brokers.kafka.cordoned.size).toBe(0)
        if (wanted <= before) continue
        const shares = racks(wanted).map((_, id) => replicasByBroker(brokers.kafka).get(id) ?? 0)
        expect(Math.max(...shares) - Math.min(...shares), shares.join()).toBeLessThan(2)
      }
    }),
  )
})
