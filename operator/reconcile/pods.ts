/** What a pod says of itself, in the words of this operator. Pure. */
import type { KubeObject } from '../resources/kube-object.ts'
import { rackAnnotation } from '../resources/names.ts'

export interface PodFacts {
  readonly name: string
  readonly uid: string
  /** Number of the pod in its StatefulSet: the broker's id. */
  readonly index: number
  readonly isReady: boolean
  readonly isTerminating: boolean
  /** Which template it was made from. */
  readonly revision: string
  readonly node: string | undefined
  /** What the operator told it; undefined: not yet. */
  readonly rack: string | undefined
  /** Since when it is not ready; its making, when it never was. */
  readonly unreadySinceMs: number
  readonly image: string
  /** Name of the ConfigMap with its settings. */
  readonly settings: string | undefined
  /** Why it does not run, in a sentence; undefined when it runs or may yet. */
  readonly problem: string | undefined
}

interface PodShape {
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly { readonly image?: string }[]
    readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name?: string } }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
      readonly lastTransitionTime?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
      readonly lastState?: { readonly terminated?: { readonly exitCode?: number; readonly reason?: string } }
      readonly restartCount?: number
    }[]
  }
}

/** Waiting for these reasons does not end by itself. */
const hopeless =
  /^(CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError)$/

export function podFacts(pod: KubeObject): PodFacts {
  const { spec, status } = pod as PodShape
  const { name, uid = '', labels = {}, annotations = {}, creationTimestamp, deletionTimestamp } = pod.metadata
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return {
    name,
    uid,
    index: Number(/-(\d+)$/.exec(name)?.[1] ?? -1),
    isReady: deletionTimestamp === undefined && ready?.status === 'True',
    isTerminating: deletionTimestamp !== undefined,
    revision: labels['controller-revision-hash'] ?? '',
    node: spec?.nodeName,
    rack: annotations[rackAnnotation],
    unreadySinceMs: Date.parse(ready?.lastTransitionTime ?? creationTimestamp ?? '') || 0,
    image: spec?.containers?.[0]?.image ?? '',
    settings: spec?.volumes?.find(volume => volume.name === 'settings')?.configMap?.name,
    problem: problemOf(status),
  }
}

function problemOf(status: PodShape['status']): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  )
  if (unscheduled !== undefined) return `it fits on no node: ${unscheduled.message ?? 'no reason given'}`
  for (const { state, lastState } of status?.containerStatuses ?? []) {
    const { reason = '', message } = state?.waiting ?? {}
    if (!hopeless.test(reason)) continue
    const exit = lastState?.terminated?.exitCode
    const how = exit === undefined ? '' : `, it ended with exit code ${exit}; its log says why`
    return `${reason}${message === undefined || message === '' ? '' : `: ${message}`}${how}`
  }
  return status?.phase === 'Failed' ? 'it has failed' : undefined
}
