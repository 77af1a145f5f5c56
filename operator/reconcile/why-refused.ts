/**
 * Why Kubernetes makes no pods of a StatefulSet: a quota, a limit, a policy or a webhook refuses them. It says so in events
 * alone, one per pod and attempt; here they become a sentence that stays the same from one attempt to the next. Pure.
 */
import type { KubeObject } from '../resources/kube-object.ts'

/** Of events: a pod or a claim of a StatefulSet could not be created. */
export const failedCreate = 'FailedCreate'
/** Its controller may have tried before we saw that a pod is missing, and its clock may be another one. */
const earlierMs = 60_000

interface EventShape {
  readonly message?: string
  readonly eventTime?: string | null
  readonly firstTimestamp?: string | null
  readonly lastTimestamp?: string | null
  readonly series?: { readonly lastObservedTime?: string | null } | null
}

/** Those that have fewer pods than they ask for. One that ends counts: it has been taken. */
export function lackingPods(children: readonly KubeObject[]): readonly KubeObject[] {
  const pods = new Set(children.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata.name))
  return children.filter(({ kind, metadata, spec }) => {
    if (kind !== 'StatefulSet' || metadata.deletionTimestamp !== undefined) return false
    const { replicas = 1 } = (spec ?? {}) as { readonly replicas?: number }
    return Array.from({ length: replicas }, (_, index) => `${metadata.name}-${index}`).some(
      name => !pods.has(name),
    )
  })
}

/** From the newest of its events; undefined when none is of the time since pods are missing. */
export function whyRefused(
  statefulSet: string,
  events: readonly KubeObject[],
  sinceMs: number,
): string | undefined {
  const [newest] = (events as readonly (KubeObject & EventShape)[])
    .map(event => ({ atMs: timeOf(event), message: event.message ?? '' }))
    .filter(({ atMs, message }) => atMs >= sinceMs - earlierMs && message !== '')
    // Several of one second are told in no order.
    .sort((a, b) => b.atMs - a.atMs || (a.message < b.message ? -1 : 1))
  return newest === undefined ? undefined : sentenceOf(statefulSet, newest.message)
}

function timeOf({ eventTime, firstTimestamp, lastTimestamp, series }: EventShape): number {
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, firstTimestamp]
  return Math.max(...times.map(time => Date.parse(time ?? '') || 0))
}

/** Without what differs from pod to pod. */
function sentenceOf(statefulSet: string, message: string): string {
  const [, what, told = message] =
    /\bcreate (Pod|Claim) \S+ .*?failed error: (.*)$/is.exec(message) ?? ([] as readonly string[])
  const why = told
    .replace(/^(?:pods|persistentvolumeclaims) "[^"]*" is forbidden: /, '')
    .replaceAll(new RegExp(`\\b${statefulSet}-\\d+\\b`, 'g'), `${statefulSet}-N`)
    .trim()
  const refused = what === 'Claim' ? 'volume claims' : 'pods'
  return `Kubernetes does not take ${refused} of StatefulSet ${statefulSet}: ${why.replace(/\.?$/, '.')}`
}
