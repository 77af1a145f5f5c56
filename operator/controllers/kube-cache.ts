/** Everything of the API server that the controllers look at: one informer per kind and watched namespace. */
import type { ApiServer } from '../kube/api-server.ts'
import { Informer, type ChangeHandler, type Indexer, type InformerParts } from '../kube/informer.ts'
import type { Kind } from '../kube/paths.ts'
import { type KubeObject, keyOf } from '../resources/kube-object.ts'
import { clusterLabel, managedSelector } from '../resources/names.ts'
import type { OtherStatusSchemas } from './check-definitions.ts'

const childKinds: readonly Kind[] = [
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
]
const clusters: Kind = { apiVersion: 'barnabas.dev/v1', kind: 'Cluster' }
const topics: Kind = { apiVersion: 'barnabas.dev/v1', kind: 'Topic' }

export class KubeCache {
  readonly api: ApiServer
  /** Of installed definitions that are not ours; known before the first change is heard of. */
  otherStatusSchemas: OtherStatusSchemas = new Map()
  readonly #informers: readonly Informer[]
  readonly #byKind = new Map<string, Informer[]>()

  /** No namespaces: all of them. */
  constructor(api: ApiServer, parts: Omit<InformerParts, 'api'>, namespaces: readonly string[]) {
    this.api = api
    const places = namespaces.length === 0 ? [undefined] : namespaces
    const make = (
      kind: Kind,
      labelSelector: string | undefined,
      indexers: Readonly<Record<string, Indexer>>,
    ): void => {
      const informers = places.map(
        namespace => new Informer(kind, { namespace, labelSelector }, { ...parts, api }, indexers),
      )
      this.#byKind.set(kind.kind, informers)
    }
    make(clusters, undefined, {})
    make(topics, undefined, { cluster: object => [clusterOfTopic(object)] })
    for (const kind of childKinds) make(kind, managedSelector, { cluster: clusterOfChild })
    this.#informers = [...this.#byKind.values()].flat()
  }

  start(): void {
    for (const informer of this.#informers) informer.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map(informer => informer.stop()))
  }

  async listed(): Promise<void> {
    await Promise.all(this.#informers.map(informer => informer.listed()))
  }

  get isListed(): boolean {
    return this.#informers.every(informer => informer.isListed)
  }

  cluster(key: string): KubeObject | undefined {
    return this.#get('Cluster', key)
  }

  topic(key: string): KubeObject | undefined {
    return this.#get('Topic', key)
  }

  all(kind: 'Cluster' | 'Topic'): readonly KubeObject[] {
    return this.#of(kind).flatMap(informer => informer.all())
  }

  topicsOf(cluster: string): readonly KubeObject[] {
    return this.#of('Topic').flatMap(informer => informer.by('cluster', cluster))
  }

  childrenOf(cluster: string): readonly KubeObject[] {
    return childKinds.flatMap(({ kind }) =>
      this.#of(kind).flatMap(informer => informer.by('cluster', cluster)),
    )
  }

  onChange(kind: 'Cluster' | 'Topic', handler: ChangeHandler): void {
    for (const informer of this.#of(kind)) informer.onChange(handler)
  }

  /** Calls with the key of the Cluster whose child has changed. */
  onChildChange(handler: (cluster: string) => void): void {
    for (const { kind } of childKinds) {
      for (const informer of this.#of(kind)) {
        informer.onChange(object => {
          for (const key of clusterOfChild(object)) handler(key)
        })
      }
    }
  }

  /** What a write was answered with, so that the next look sees it. */
  note(object: KubeObject): void {
    const informers = this.#of(object.kind)
    // Of several informers each has one namespace; one that sees all has no other beside it.
    const [only] = informers
    if (informers.length === 1) only?.note(object)
    else informers.find(informer => informer.get(keyOf(object.metadata)) !== undefined)?.note(object)
  }

  #of(kind: string): readonly Informer[] {
    return this.#byKind.get(kind) ?? []
  }

  #get(kind: string, key: string): KubeObject | undefined {
    for (const informer of this.#of(kind)) {
      const found = informer.get(key)
      if (found !== undefined) return found
    }
    return undefined
  }
}

export function clusterOfTopic({ metadata, spec }: KubeObject): string {
  const { clusterRef } = (spec ?? {}) as {
    readonly clusterRef?: { readonly name?: string; readonly namespace?: string }
  }
  return keyOf({ namespace: clusterRef?.namespace ?? metadata.namespace, name: clusterRef?.name ?? '' })
}

function clusterOfChild({ metadata }: KubeObject): readonly string[] {
  const name = metadata.labels?.[clusterLabel]
  return name === undefined ? [] : [keyOf({ namespace: metadata.namespace, name })]
}
