/**
 * Which StatefulSets get no pods because Kubernetes refuses them. Events are listed only while pods are missing, less and less
 * often, and never watched; that they cannot be listed keeps nobody from work.
 */
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { ApiError } from '../kube/api-error.ts'
import type { ApiServer } from '../kube/api-server.ts'
import { failedCreate, lackingPods, whyRefused } from '../reconcile/why-refused.ts'
import type { KubeObject } from '../resources/kube-object.ts'

/** So long a pod may be missing without a question. */
const firstPauseMs = 3000
const longestPauseMs = 30_000
/** A StatefulSet is tried again after so long at most: what was missing before us has had its event since then. */
const longestBetweenTriesMs = 20 * 60_000

interface Lack {
  /** By the clock on the wall, as events are. */
  readonly sinceMs: number
  pauseMs: number
  /** Monotonic. */
  askAtMs: number
  why: string | undefined
  hasFailed: boolean
}

export class RefusedPods {
  readonly #api: Pick<ApiServer, 'list'>
  readonly #clock: Clock
  readonly #logger: Logger
  /** Key of the Cluster → uid of a StatefulSet that lacks pods. */
  readonly #lacks = new Map<string, ReadonlyMap<string, Lack>>()

  constructor(api: Pick<ApiServer, 'list'>, clock: Clock, logger: Logger) {
    this.#api = api
    this.#clock = clock
    this.#logger = logger
  }

  /** Name of a StatefulSet → why its pods are not taken, in a sentence. */
  async of(cluster: string, children: readonly KubeObject[]): Promise<ReadonlyMap<string, string>> {
    const before = this.#lacks.get(cluster)
    const now = new Map<string, Lack>()
    const lacking = lackingPods(children)
    for (const { metadata } of lacking) {
      const uid = metadata.uid ?? ''
      now.set(uid, before?.get(uid) ?? this.#begun(before === undefined))
    }
    this.#lacks.set(cluster, now)
    const refused = new Map<string, string>()
    for (const { metadata } of lacking) {
      const lack = now.get(metadata.uid ?? '')
      if (lack === undefined) continue
      if (this.#clock.monotonicMs() >= lack.askAtMs) await this.#ask(metadata, lack)
      if (lack.why !== undefined) refused.set(metadata.name, lack.why)
    }
    return refused
  }

  /** The Cluster is gone. */
  forget(cluster: string): void {
    this.#lacks.delete(cluster)
  }

  #begun(isFirstLook: boolean): Lack {
    return {
      sinceMs: this.#clock.nowMs() - (isFirstLook ? longestBetweenTriesMs : 0),
      pauseMs: firstPauseMs,
      askAtMs: this.#clock.monotonicMs() + firstPauseMs,
      why: undefined,
      hasFailed: false,
    }
  }

  async #ask({ name, namespace, uid = '' }: KubeObject['metadata'], lack: Lack): Promise<void> {
    lack.pauseMs = Math.min(lack.pauseMs * 2, longestPauseMs)
    try {
      const fieldSelector = `involvedObject.uid=${uid},reason=${failedCreate}`
      const { items } = await this.#api.list(
        { apiVersion: 'v1', kind: 'Event' },
        { namespace, fieldSelector },
      )
      // Events are forgotten after a while; why pods are missing is not.
      lack.why = whyRefused(name, items, lack.sinceMs) ?? lack.why
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (!lack.hasFailed)
        this.#logger.warn(
          { namespace, statefulSet: name, err: error },
          'Events could not be listed, so the Cluster does not say why pods are missing. The chart gives the operator the right to list them.',
        )
      lack.hasFailed = true
    }
    lack.askAtMs = this.#clock.monotonicMs() + lack.pauseMs
  }
}
