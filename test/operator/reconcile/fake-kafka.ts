import type { ClusterAction } from '../../../operator/reconcile/actions.ts'
import type { ObservedCluster, ReachedKafka } from '../../../operator/reconcile/observed-cluster.ts'
import type { PodFacts } from '../../../operator/reconcile/pods.ts'

interface Partition {
  replicas: number[]
  inSync: number[]
  /** What it is being moved to. */
  target?: number[]
}

/** The Kafka of a FakeWorld: a few maps. Who answers follows from the pods. */
export class FakeKafka {
  readonly topics = new Map<string, Partition[]>()
  readonly dynamicSettings = new Map<string, string>()
  readonly cordoned = new Set<number>()
  readonly throttled = new Set<string>()
  /** Broker → rack that it runs with, where it is not the one that its pod was told. */
  readonly oldRacks = new Map<number, string>()
  /** Brokers that read their logs again until they are taken out. */
  readonly recovering = new Set<number>()
  /** Broker → why its log directory is offline. */
  readonly failedDirectories = new Map<number, string>()

  observe(pods: readonly PodFacts[]): ObservedCluster['kafka'] {
    const ready = pods.filter(({ isReady }) => isReady)
    if (ready.length === 0) return { kind: 'unreachable', reason: 'No broker answers.' }
    return {
      kind: 'reached',
      clusterId: 'the-cluster-id',
      controllerId: ready[0]?.index ?? -1,
      brokers: ready.map(({ index, rack }) => ({
        id: index,
        host: `b${index}`,
        port: 9091,
        rack: this.oldRacks.get(index) ?? rack ?? null,
        isFenced: false,
      })),
      topics: [...this.topics].map(([name, partitions]) => ({
        name,
        id: name,
        isInternal: false,
        partitions: partitions.map(({ replicas, inSync }, index) => ({
          index,
          leader: inSync[0] ?? -1,
          replicas,
          inSync,
        })),
      })),
      moves: [...this.topics].flatMap(([topic, partitions]) =>
        partitions.flatMap(({ replicas, target }, partition) =>
          target === undefined
            ? []
            : [
                {
                  topic,
                  partition,
                  adding: target.filter(id => !replicas.includes(id)),
                  removing: replicas.filter(id => !target.includes(id)),
                },
              ],
        ),
      ),
      dynamicSettings: this.dynamicSettings,
      throttled: this.throttled,
      cordoned: new Set([...this.cordoned].filter(id => ready.some(({ index }) => index === id))),
      advertised: new Map(),
    } satisfies ReachedKafka
  }

  statuses(pods: readonly PodFacts[]): ObservedCluster['statuses'] {
    const directory = { path: '/data', isFull: false, totalBytes: 100, usableBytes: 50 }
    return new Map(
      pods
        .filter(({ index, isReady }) => isReady || this.recovering.has(index))
        .map(({ index }) => {
          const failure = this.failedDirectories.get(index) ?? ''
          const isRecovering = this.recovering.has(index)
          return [index, { isRecovering, logDirectories: isRecovering ? [] : [{ ...directory, failure }] }]
        }),
    )
  }

  /** A second's work. */
  run(isReady: (id: number) => boolean): void {
    for (const partition of [...this.topics.values()].flat()) {
      if (partition.target?.every(isReady) === true) {
        partition.replicas = partition.target
        partition.inSync = [...partition.target]
        delete partition.target
      }
      // Who is away falls out at once, who is back has caught up a second later.
      const back = partition.replicas.filter(isReady)
      partition.inSync = back.length === 0 ? partition.inSync : back
    }
  }

  isLastInSync(broker: number): boolean {
    return [...this.topics.values()]
      .flat()
      .some(({ replicas, inSync }) => replicas.includes(broker) && inSync.every(id => id === broker))
  }

  act(
    action: Extract<ClusterAction, { kind: 'alterBrokerSettings' | 'movePartitions' | 'throttleTopics' }>,
  ): void {
    switch (action.kind) {
      case 'alterBrokerSettings':
        for (const { name, value } of action.changes) {
          if (action.broker !== null) {
            if (value === null) this.cordoned.delete(action.broker)
            else this.cordoned.add(action.broker)
          } else if (value === null) this.dynamicSettings.delete(name)
          else this.dynamicSettings.set(name, value)
        }
        return
      case 'movePartitions':
        for (const { topic, partition, replicas } of action.moves) {
          const found = this.topics.get(topic)?.[partition]
          if (found !== undefined && replicas !== null) found.target = [...replicas]
        }
        return
      case 'throttleTopics':
        for (const topic of action.topics) {
          if (action.isThrottled) this.throttled.add(topic)
          else this.throttled.delete(topic)
        }
    }
  }
}
