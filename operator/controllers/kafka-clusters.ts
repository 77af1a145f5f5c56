import { type AddressOf, KafkaCluster } from '../brokers/kafka-cluster.ts'
import { hosts, ports } from '../resources/names.ts'
import { parseKey } from '../resources/kube-object.ts'

/** The way to the brokers of each Cluster, kept from one reconciliation to the next, and shared with its Topics. */
export class KafkaClusters {
  readonly #clusterDomain: string
  readonly #clusters = new Map<string, KafkaCluster>()

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain
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

  /** The Cluster is gone. */
  async forget(cluster: string): Promise<void> {
    const kafka = this.#clusters.get(cluster)
    this.#clusters.delete(cluster)
    await kafka?.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clusters.keys()].map(cluster => this.forget(cluster)))
  }
}
