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
  /** It is started again and again, with longer and longer pauses. */
  readonly endsAgain: boolean
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
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

interface ContainerStatus {
  readonly ready?: boolean
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string }
    readonly terminated?: Termination
  }
  readonly lastState?: { readonly terminated?: Termination }
  readonly restartCount?: number
}

interface Termination {
  readonly exitCode?: number
  readonly startedAt?: string
  readonly finishedAt?: string
}

/** Waiting for these reasons does not end by itself. */
const hopeless =
  /^(ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError)$/
/** Each comes after the other, with another text every time. */
const notPulled = /^(ImagePullBackOff|ErrImagePull)$/
/** A container that ended so soon after its start, and again so, will go on like that. */
const soonMs = 60_000

export function podFacts(pod: KubeObject): PodFacts {
  const { spec, status } = pod as PodShape
  const { name, uid = '', labels = {}, annotations = {}, creationTimestamp, deletionTimestamp } = pod.metadata
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const image = spec?.containers?.[0]?.image ?? ''
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
    image,
    settings: spec?.volumes?.find(volume => volume.name === 'settings')?.configMap?.name,
    problem: problemOf(status, image),
    endsAgain: status?.containerStatuses?.some(isStartedAgain) === true,
  }
}

function problemOf(status: PodShape['status'], image: string): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  )
  if (unscheduled !== undefined) return `it fits on no node: ${unscheduled.message ?? 'no reason given'}`
  for (const container of status?.containerStatuses ?? []) {
    const problem = problemOfContainer(container, image)
    if (problem !== undefined) return problem
  }
  return status?.phase === 'Failed' ? 'it has failed' : undefined
}

/** The same sentence from one attempt to the next: it stands in a status. */
function problemOfContainer(container: ContainerStatus, image: string): string | undefined {
  const { state } = container
  const { reason = '', message = '' } = state?.waiting ?? {}
  if (hopeless.test(reason)) return message === '' ? reason : `${reason}: ${message}`
  if (notPulled.test(reason)) return `its image ${image} cannot be pulled; kubectl describe pod says why`
  if (!isStartedAgain(container)) return undefined
  const exit = (state?.terminated ?? container.lastState?.terminated)?.exitCode
  const how = exit === undefined ? '' : ` with exit code ${exit}`
  return `it ends again and again${how}; its log says why`
}

function isStartedAgain(container: ContainerStatus): boolean {
  return container.state?.waiting?.reason === 'CrashLoopBackOff' || endsSoonAndOften(container)
}

/** Between two attempts there is a moment in which it runs. */
function endsSoonAndOften({ ready, restartCount = 0, lastState }: ContainerStatus): boolean {
  const { startedAt, finishedAt } = lastState?.terminated ?? {}
  if (ready === true || restartCount < 2 || startedAt === undefined || finishedAt === undefined) return false
  return Date.parse(finishedAt) - Date.parse(startedAt) < soonMs
}
