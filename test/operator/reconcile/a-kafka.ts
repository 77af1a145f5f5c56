import type { ReachedKafka } from '../../../operator/reconcile/observed-cluster.ts'

type Replicas = readonly (readonly number[])[]

/** What brokers say who stand in `racks`, by id, and have one topic t with those replicas. */
export function aKafka(racks: readonly string[], partitions: Replicas): ReachedKafka {
  return kafkaWith(racks, { t: partitions })
}

/** The same with several topics. */
export function kafkaWith(
  racks: readonly string[],
  topics: Readonly<Record<string, Replicas>>,
): ReachedKafka {
  return {
    kind: 'reached',
    clusterId: 'c',
    controllerId: 0,
    brokers: racks.map((rack, id) => ({ id, host: '', port: 1, rack, isFenced: false })),
    topics: Object.entries(topics).map(([name, partitions]) => ({
      name,
      id: name,
      isInternal: false,
      partitions: partitions.map((replicas, index) => ({ index, leader: 0, replicas, inSync: replicas })),
    })),
    moves: [],
    dynamicSettings: new Map(),
    throttled: new Set(),
    cordoned: new Set(),
    advertised: new Map(),
  }
}
