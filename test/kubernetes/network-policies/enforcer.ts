/**
 * Holds the iptables of all nodes to what NetworkPolicies say. Which pod has which address it hears from the plugin that
 * containerd calls for every pod; labels, ports, namespaces and policies it watches. One pass at a time writes what has
 * changed; whatever is heard meanwhile is in the next one.
 */
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { waitUntil } from '../../targets/processes.ts'
import {
  type ConnectedPod,
  type ConnectedPods,
  type Labels,
  type NetworkPolicy,
  policyChains,
  restoreInput,
} from '../../support/network-policies.ts'

/** What the plugin tells of a pod. */
export interface Announcement {
  readonly kind: 'added' | 'removed'
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Containerd's word for this start of the pod. */
  readonly sandbox: string
  /** Of IPv4. Unknown to a pod that goes: what it had goes. */
  readonly address?: string
}

export interface PolicyNode {
  readonly name: string
  /** Beginning of the addresses of its pods. */
  readonly prefix: string
}

/** What is watched, as it is now. */
export interface Watched {
  /** Undefined while the API server has not told of it. */
  pod(key: string): KubeObject | undefined
  namespaces(): readonly KubeObject[]
  policies(): readonly KubeObject[]
}

interface PodSpec {
  readonly containers?: readonly { readonly ports?: ConnectedPod['ports'] }[]
}

const podIsToldMs = 10_000

export class Enforcer {
  readonly #nodes: readonly PolicyNode[]
  readonly #watched: Watched
  readonly #restore: (node: PolicyNode, input: string) => Promise<void>
  /** Sandbox → pod; the last that was heard of one that is deleted holds until its network goes. */
  readonly #pods = new Map<string, { readonly address: string; object: KubeObject }>()
  /** What stands in a node's iptables: names of chains, and all of it. */
  readonly #written = new Map<string, { readonly names: readonly string[]; readonly text: string }>()
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(
    nodes: readonly PolicyNode[],
    watched: Watched,
    restore: (node: PolicyNode, input: string) => Promise<void>,
  ) {
    this.#nodes = nodes
    this.#watched = watched
    this.#restore = restore
  }

  /** Resolves when it is in force on all nodes: a pod that is added may start then. */
  async hear({ kind, namespace, name, uid, sandbox, address }: Announcement): Promise<void> {
    if (kind === 'removed') {
      if (this.#pods.delete(sandbox)) await this.update()
      return
    }
    if (address === undefined) throw new Error(`Pod ${namespace}/${name} was announced without an address.`)
    const object = await waitUntil(
      `the API server tells of pod ${namespace}/${name} with uid ${uid}`,
      () => {
        const found = this.#watched.pod(`${namespace}/${name}`)
        return found?.metadata.uid === uid ? found : undefined
      },
      { deadlineMs: podIsToldMs },
    )
    this.#pods.set(sandbox, { address, object })
    await this.update()
  }

  /** Resolves when a pass that began after the call has ended. */
  update(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined
      return this.#pass()
    })
    this.#last = this.#next.catch(() => {})
    return this.#next
  }

  async #pass(): Promise<void> {
    const all = this.#connected()
    await Promise.all(
      this.#nodes.map(async node => {
        const chains = policyChains(all, ({ address }) => address.startsWith(node.prefix))
        const names = chains.map(each => each.name)
        const text = restoreInput(chains, [])
        const before = this.#written.get(node.name)
        if (before?.text === text) return
        await this.#restore(node, restoreInput(chains, before?.names ?? []))
        this.#written.set(node.name, { names, text })
      }),
    )
  }

  #connected(): ConnectedPods {
    const pods = [...this.#pods.values()].map((known): ConnectedPod => {
      const { namespace = '', name, uid } = known.object.metadata
      const now = this.#watched.pod(`${namespace}/${name}`)
      if (now !== undefined && now.metadata.uid === uid) known.object = now
      const { labels = {} } = known.object.metadata
      const { containers = [] } = known.object.spec as PodSpec
      return {
        address: known.address,
        namespace,
        labels,
        ports: containers.flatMap(({ ports = [] }) => ports),
      }
    })
    return {
      pods,
      policies: this.#watched.policies().map(({ metadata, spec }) => ({
        namespace: metadata.namespace ?? '',
        spec: spec as NetworkPolicy['spec'],
      })),
      namespaces: new Map(
        this.#watched
          .namespaces()
          .map(({ metadata }): [string, Labels] => [metadata.name, metadata.labels ?? {}]),
      ),
    }
  }
}
