/** What a StatefulSet's template asks for, against what its pods were made from. Pure. */
import type { KubeObject } from '../resources/kube-object.ts'
import type { PodFacts } from './pods.ts'

interface StatefulSetStatus {
  readonly updateRevision?: string
  readonly observedGeneration?: number
}

/** What Kubernetes said of it last; of an older spec perhaps. */
export function statusOf(statefulSet: KubeObject | undefined): StatefulSetStatus {
  return (statefulSet?.status ?? {}) as StatefulSetStatus
}

/** Kubernetes has not seen what was written last. */
export function isBehind(statefulSet: KubeObject | undefined): boolean {
  return (
    statefulSet !== undefined && statusOf(statefulSet).observedGeneration !== statefulSet.metadata.generation
  )
}

/** The revision that pods are to be of; undefined while that is not known. */
export function wantedRevision(statefulSet: KubeObject | undefined): string | undefined {
  return isBehind(statefulSet) ? undefined : statusOf(statefulSet).updateRevision
}

/** In words; undefined when the pod has the image that it is to have. */
export function imageChange(statefulSet: KubeObject | undefined, { image }: PodFacts): string | undefined {
  const spec = statefulSet?.spec as
    | {
        readonly template?: {
          readonly spec?: { readonly containers?: readonly { readonly image?: string }[] }
        }
      }
    | undefined
  const wanted = spec?.template?.spec?.containers?.[0]?.image
  return wanted === undefined || wanted === image ? undefined : `image changes from ${image} to ${wanted}`
}

export const otherTemplate = 'the template of its pod has changed'
