/** Nodes, asked for when they are needed and remembered for a while. An operator without rights on nodes knows none. */
import type { Clock } from '../../runtime/clock.ts'
import { classOf } from '../kube/api-error.ts'
import type { ApiServer } from '../kube/api-server.ts'
import type { ObservedNode } from '../reconcile/observed-cluster.ts'
import type { KubeObject } from '../resources/kube-object.ts'

const rememberedMs = 300_000

export class Nodes {
  readonly #api: Pick<ApiServer, 'get' | 'list'>
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly node: ObservedNode; readonly atMs: number }>()
  #listedAtMs = Number.NEGATIVE_INFINITY

  constructor(api: Pick<ApiServer, 'get' | 'list'>, clock: Clock) {
    this.#api = api
    this.#clock = clock
  }

  /** Those named; one that may not be read has no labels. */
  async named(names: readonly string[]): Promise<ReadonlyMap<string, ObservedNode>> {
    const found = new Map<string, ObservedNode>()
    for (const name of new Set(names)) found.set(name, await this.#node(name))
    return found
  }

  /** All there are; none when they may not be listed. */
  async all(): Promise<ReadonlyMap<string, ObservedNode>> {
    if (this.#clock.monotonicMs() - this.#listedAtMs > rememberedMs) {
      try {
        const { items } = await this.#api.list({ apiVersion: 'v1', kind: 'Node' })
        this.#known.clear()
        for (const item of items) this.#remember(item)
        this.#listedAtMs = this.#clock.monotonicMs()
      } catch (error) {
        if (classOf(error) !== 'refused') throw error
      }
    }
    return new Map([...this.#known].map(([name, { node }]) => [name, node]))
  }

  async #node(name: string): Promise<ObservedNode> {
    const known = this.#known.get(name)
    if (known !== undefined && this.#clock.monotonicMs() - known.atMs < rememberedMs) return known.node
    try {
      const object = await this.#api.get({ apiVersion: 'v1', kind: 'Node', name })
      if (object !== undefined) return this.#remember(object)
    } catch (error) {
      if (classOf(error) !== 'refused') throw error
    }
    return { name, labels: {}, addresses: [] }
  }

  #remember({ metadata, status }: KubeObject): ObservedNode {
    const { addresses = [] } = (status ?? {}) as {
      readonly addresses?: readonly { readonly type: string; readonly address: string }[]
    }
    const of = (type: string): string[] =>
      addresses.flatMap(each => (each.type === type ? [each.address] : []))
    const node = {
      name: metadata.name,
      labels: metadata.labels ?? {},
      addresses: [...of('ExternalIP'), ...of('ExternalDNS'), ...of('InternalIP')],
    }
    this.#known.set(metadata.name, { node, atMs: this.#clock.monotonicMs() })
    return node
  }
}
