import type { Clock } from '../../runtime/clock.ts'
import { BrokerStatuses } from '../brokers/broker-statuses.ts'
import { type AddressOf, KafkaCluster } from '../brokers/kafka-cluster.ts'
import { hosts, ports } from '../resources/names.ts'
import { parseKey } from '../resources/kube-object.ts'
import type { ToldStatus } from '../reconcile/observed-cluster.ts'

/** The way to the brokers of each Cluster, kept from one reconciliation to the next, and shared with its Topics. */
export class KafkaClusters {
  readonly #clusterDomain: string
  readonly #clock: Clock
  readonly #clusters = new Map<string, KafkaCluster>()
  readonly #statuses = new Map<string, BrokerStatuses>()

  constructor(clusterDomain: string, clock: Clock) {
    this.#clusterDomain = clusterDomain
    this.#clock = clock
  }

  /** `brokers`: how many there may be. */
  of(cluster: string, brokers: number): KafkaCluster {
    let kafka = this.#clusters.get(cluster)
    if (kafka === undefined) {
      const at = { ...parseKey(cluster), clusterDomain: this.#clusterDomain }
      const addressOf: AddressOf = broker => ({ host: hosts.broker(at, broker), port: ports.brokers })
      kafka = new KafkaCluster(addressOf)
      this.#clusters.set(cluster, kafka)
    }
    kafka.expect(Array.from({ length: brokers }, (_, id) => id))
    return kafka
  }

  /** What each of these brokers says of itself. */
  statuses(cluster: string, brokers: readonly number[]): Promise<ReadonlyMap<number, ToldStatus>> {
    let statuses = this.#statuses.get(cluster)
    if (statuses === undefined) {
      const at = { ...parseKey(cluster), clusterDomain: this.#clusterDomain }
      const addressOf = (broker: number) => ({
        host: hosts.broker(at, broker),
        port: ports.control,
        tls: false,
      })
      statuses = new BrokerStatuses(addressOf, this.#clock)
      this.#statuses.set(cluster, statuses)
    }
    return statuses.ask(brokers)
  }

  /** The Cluster is gone. */
  async forget(cluster: string): Promise<void> {
    this.#statuses.get(cluster)?.close()
    this.#statuses.delete(cluster)
    const kafka = this.#clusters.get(cluster)
    this.#clusters.delete(cluster)
    await kafka?.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clusters.keys()].map(cluster => this.forget(cluster)))
  }
}
