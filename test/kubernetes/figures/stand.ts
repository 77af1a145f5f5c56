/** A Kubernetes with the operator in it, for measuring: what figures do to it and read from it. */
import { request } from 'node:https'
import { systemClock } from '../../../runtime/clock.ts'
import { ApiServer } from '../../../operator/kube/api-server.ts'
import { type ApiAccess, loadAccess } from '../../../operator/kube/credentials.ts'
import type { Kind } from '../../../operator/kube/paths.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { waitUntil } from '../../targets/processes.ts'
import { type ClusterDescription, Kubernetes } from '../kubernetes.ts'
import { installChart, operatorNamespace, uninstallChart } from '../operator-chart.ts'
import { seconds } from './figure.ts'

export const clusters: Kind = { apiVersion: 'barnabas.dev/v1', kind: 'Cluster' }
export const topics: Kind = { apiVersion: 'barnabas.dev/v1', kind: 'Topic' }
const pods: Kind = { apiVersion: 'v1', kind: 'Pod' }
const operatorPods = 'app.kubernetes.io/name=barnabas-operator'

interface Conditioned {
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly observedGeneration?: number
  }[]
}

/** Whether this condition is true of the spec as it is now. */
export function isTrue({ metadata, status }: KubeObject, type: string): boolean {
  const { conditions = [] } = (status ?? {}) as Conditioned
  return conditions.some(
    each => each.type === type && each.status === 'True' && each.observedGeneration === metadata.generation,
  )
}

export class Stand {
  readonly kubernetes: Kubernetes
  readonly api: ApiServer
  readonly #access: ApiAccess
  readonly #image: string

  private constructor(kubernetes: Kubernetes, access: ApiAccess, image: string) {
    this.kubernetes = kubernetes
    this.#access = access
    this.#image = image
    this.api = new ApiServer(access)
  }

  /** Installs the operator for all namespaces, by its chart as it comes. */
  static async open(description: ClusterDescription, image: string): Promise<Stand> {
    process.env['KUBECONFIG'] = description.kubeconfig
    const access = await loadAccess(process.env, systemClock)
    const stand = new Stand(new Kubernetes(description), access, image)
    await installChart(stand.kubernetes, '4.1', stand.#image, {})
    const rolled = ['rollout', 'status', 'deployment/barnabas', '--timeout=120s']
    await stand.kubectl(operatorNamespace, ...rolled)
    return stand
  }

  async close(): Promise<void> {
    this.api.close()
    await uninstallChart(this.kubernetes, '4.1')
  }

  kubectl(namespace: string, ...args: readonly string[]): Promise<string> {
    return this.kubernetes.kubectl(['-n', namespace, ...args])
  }

  /** Real kubectl, as people apply what they have in a file. */
  async apply(namespace: string, manifests: readonly object[]): Promise<void> {
    const input = manifests.map(manifest => JSON.stringify(manifest)).join('\n---\n')
    await this.kubernetes.apply(input, ['-n', namespace])
  }

  /**
   * Does something and follows the objects of a kind until it holds for them, by key; resolves with the milliseconds from
   * the beginning of what is done.
   */
  async timed(
    what: string,
    {
      kind,
      namespace,
      deadlineMs,
    }: { readonly kind: Kind; readonly namespace: string; readonly deadlineMs: number },
    act: () => Promise<unknown>,
    holds: (objects: ReadonlyMap<string, KubeObject>) => boolean,
  ): Promise<number> {
    const page = await this.api.list(kind, { namespace })
    const objects = new Map(page.items.map(item => [item.metadata.name, item]))
    const signal = AbortSignal.timeout(deadlineMs)
    const beganMs = performance.now()
    const acting = act()
    acting.catch(() => {}) // awaited below
    try {
      const options = { resourceVersion: page.resourceVersion, silentMs: deadlineMs, signal }
      for await (const { type, object } of this.api.watch(kind, { namespace }, options)) {
        if (type === 'BOOKMARK') continue
        if (type === 'ERROR') throw new Error(`The watch ended: ${object.message ?? ''}`)
        if (type === 'DELETED') objects.delete(object.metadata.name)
        else objects.set(object.metadata.name, object)
        if (!holds(objects)) continue
        const tookMs = performance.now() - beganMs
        await acting
        return tookMs
      }
      throw new Error('The API server ended the watch.')
    } catch (error) {
      await acting
      if (!signal.aborted) throw error
      throw new Error(`Not within ${seconds(deadlineMs)}: ${what}.`, { cause: error })
    }
  }

  pods(namespace: string): Promise<readonly KubeObject[]> {
    return this.api.list(pods, { namespace }).then(({ items }) => items)
  }

  /** The operator's pods that are not about to go. */
  async operatorPods(): Promise<readonly KubeObject[]> {
    const { items } = await this.api.list(pods, { namespace: operatorNamespace, labelSelector: operatorPods })
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }

  /** /metrics of the operator, by its pod; undefined while it does not answer. */
  async operatorMetrics(pod: string): Promise<OperatorMetrics | undefined> {
    const path = `/api/v1/namespaces/${operatorNamespace}/pods/${pod}:8080/proxy/metrics`
    const text = await this.#text(path).catch(() => undefined)
    return text === undefined ? undefined : new OperatorMetrics(text)
  }

  /** What Kubernetes counts as the memory of a pod's first container, at most some ten seconds old. */
  async workingSetBytes({ metadata, spec }: KubeObject): Promise<number | undefined> {
    const { nodeName } = spec as { readonly nodeName?: string }
    const text = await this.#text(`/api/v1/nodes/${nodeName ?? ''}/proxy/stats/summary`).catch(
      () => undefined,
    )
    if (text === undefined) return undefined
    const { pods: told } = JSON.parse(text) as {
      readonly pods: readonly {
        readonly podRef: { readonly uid: string }
        readonly containers?: readonly { readonly memory?: { readonly workingSetBytes?: number } }[]
      }[]
    }
    const own = told.find(({ podRef }) => podRef.uid === metadata.uid)
    return own?.containers?.[0]?.memory?.workingSetBytes
  }

  /** Waits until the operator has nothing to do. */
  async operatorAtRest(): Promise<void> {
    await waitUntil(
      'the operator has nothing to do',
      async () => {
        const [pod] = await this.operatorPods()
        const metrics = await this.operatorMetrics(pod?.metadata.name ?? '')
        return metrics?.isAtRest || undefined
      },
      { deadlineMs: 60_000, everyMs: 500 },
    )
  }

  async #text(path: string): Promise<string> {
    const { headers, ...options } = await this.#access.requestOptions()
    const url = new URL(path, this.#access.server)
    return new Promise((resolve, reject) => {
      const asked = request(url, { ...options, headers, timeout: 5000, agent: false }, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => {
          text += piece
        })
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(text)
          else reject(new Error(`${path}: ${response.statusCode}`))
        })
      })
      asked.on('timeout', () => asked.destroy(new Error(`${path} was not answered within 5 s.`)))
      asked.on('error', reject)
      asked.end()
    })
  }
}

/** One reading of the operator's metrics. */
export class OperatorMetrics {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** Sum over all series of this name whose labels contain all of these. */
  sum(name: string, ...labels: readonly string[]): number {
    let sum = 0
    for (const [, told = '', value] of this.#text.matchAll(
      new RegExp(`^${name}(\\{[^}]*\\})? (\\S+)`, 'gm'),
    )) {
      if (labels.every(label => told.includes(label))) sum += Number(value)
    }
    return sum
  }

  get residentBytes(): number {
    return this.sum('process_resident_memory_bytes')
  }

  get leads(): boolean {
    return this.sum('leader_election_master_status') === 1
  }

  get isAtRest(): boolean {
    return (
      this.leads && this.sum('workqueue_depth') === 0 && this.sum('controller_runtime_active_workers') === 0
    )
  }

  reconciled(controller: 'cluster' | 'topic'): number {
    const all = this.sum('controller_runtime_reconcile_total', `controller="${controller}"`)
    return all - this.sum('controller_runtime_reconcile_errors_total', `controller="${controller}"`)
  }
}
