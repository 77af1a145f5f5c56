/**
 * Which Clusters go: those that are deleted, and those whose namespace is, though they themselves are not deleted yet when
 * their pods already end. A namespace that goes cannot stay, so what is known of a Cluster once is never asked again.
 */
import type { Logger } from '../../runtime/logger.ts'
import { classOf } from '../kube/api-error.ts'
import type { ApiServer } from '../kube/api-server.ts'
import { type KubeObject, keyOf } from '../resources/kube-object.ts'

export class GoingClusters {
  readonly #api: Pick<ApiServer, 'get'>
  readonly #logger: Logger
  /** Key → uid: of another Cluster with the same name nothing is known. */
  readonly #going = new Map<string, string | undefined>()
  readonly #refused = new Set<string>()
  #tell: (key: string) => void = () => {}

  constructor(api: Pick<ApiServer, 'get'>, logger: Logger) {
    this.#api = api
    this.#logger = logger
  }

  /** Calls with the key of each Cluster that goes with its namespace, once. */
  onGoing(handler: (key: string) => void): void {
    this.#tell = handler
  }

  isGoing({ metadata }: KubeObject): boolean {
    if (metadata.deletionTimestamp !== undefined) return true
    const key = keyOf(metadata)
    return this.#going.has(key) && this.#going.get(key) === metadata.uid
  }

  /**
   * Whether the Cluster's namespace is being deleted. The API server is asked only while a pod of the Cluster ends: without that
   * there is nothing to be done about it.
   */
  async goesWithNamespace(cluster: KubeObject, children: readonly KubeObject[]): Promise<boolean> {
    if (this.isGoing(cluster)) return true
    if (!children.some(({ kind, metadata }) => kind === 'Pod' && metadata.deletionTimestamp !== undefined))
      return false
    if (!(await this.#isNamespaceGoing(cluster.metadata.namespace ?? 'default'))) return false
    const key = keyOf(cluster.metadata)
    this.#logger.info({ cluster: key }, 'The namespace of a Cluster is being deleted.')
    this.#going.set(key, cluster.metadata.uid)
    this.#tell(key)
    return true
  }

  forget(key: string): void {
    this.#going.delete(key)
  }

  async #isNamespaceGoing(name: string): Promise<boolean> {
    try {
      const namespace = await this.#api.get({ apiVersion: 'v1', kind: 'Namespace', name })
      this.#refused.delete(name)
      return namespace?.metadata.deletionTimestamp !== undefined
    } catch (error) {
      if (classOf(error) !== 'refused') throw error
      if (!this.#refused.has(name))
        this.#logger.warn(
          { namespace: name, err: error },
          'The operator may not read a namespace; when that is deleted, its brokers wait for each other. Allow it to get namespaces, as its chart does.',
        )
      this.#refused.add(name)
      return false
    }
  }
}
