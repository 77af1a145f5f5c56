/**
 * Before the operator goes for good: what it holds on to must be let go, or deleting it later would wait for ever. The
 * operator is stopped first, since it would take hold again.
 */
import { type Clock, sleep } from '../runtime/clock.ts'
import { ApiError } from './kube/api-error.ts'
import type { ApiServer } from './kube/api-server.ts'
import { topicFinalizer } from './reconcile/reconcile-topic.ts'
import type { KubeObject } from './resources/kube-object.ts'

export interface UninstallParts {
  readonly api: Pick<ApiServer, 'get' | 'list' | 'mergePatch'>
  readonly clock: Clock
  readonly say: (sentence: string) => void
  /** Where the operator's Deployment is, and its name. */
  readonly namespace: string
  readonly deployment: string
  /** Empty: all. */
  readonly watchedNamespaces: readonly string[]
  /** Refuse: do nothing while there is something to let go. */
  readonly finalizers: 'Release' | 'Refuse'
}

const stopMs = 60_000
const pollMs = 500
const mostNamed = 20

/** True when the operator may be uninstalled. */
export async function prepareUninstall(parts: UninstallParts): Promise<boolean> {
  const { api, say, finalizers } = parts
  const held = await heldTopics(parts)
  if (held.length === 0) return true
  if (finalizers === 'Refuse') {
    say(
      `These Topics are still looked after: ${namesOf(held)}. Delete them, or set their reclaimPolicy to Retain, and uninstall again.`,
    )
    return false
  }
  await stopOperator(parts)
  // Read again: the operator may have written meanwhile.
  for (const { apiVersion, kind, metadata } of await heldTopics({ ...parts, say: () => undefined })) {
    const { name, namespace, resourceVersion, finalizers: all = [] } = metadata
    const others = all.filter(each => each !== topicFinalizer)
    await api.mergePatch(
      { apiVersion, kind, name, namespace },
      { metadata: { resourceVersion, finalizers: others } },
    )
  }
  say(`These Topics are left as they are, and can be deleted without the operator: ${namesOf(held)}.`)
  return true
}

async function heldTopics(parts: UninstallParts): Promise<readonly KubeObject[]> {
  const { watchedNamespaces } = parts
  const places = watchedNamespaces.length === 0 ? [undefined] : watchedNamespaces
  const lists = await Promise.all(places.map(namespace => topicsIn(namespace, parts)))
  return lists.flat().filter(({ metadata }) => metadata.finalizers?.includes(topicFinalizer) === true)
}

/** Our rights in a namespace that was deleted went with it, and are not in one made anew under its name. */
async function topicsIn(
  namespace: string | undefined,
  { api, say }: UninstallParts,
): Promise<readonly KubeObject[]> {
  try {
    return (await api.list({ apiVersion: 'barnabas.dev/v1', kind: 'Topic' }, { namespace })).items
  } catch (error) {
    const mayNotLook = error instanceof ApiError && error.status === 403
    if (!mayNotLook || namespace === undefined) throw error
    say(
      `Topics in ${namespace} are left as they are, since the rights to read them are gone: the namespace was deleted. Should one of them not go away when it is deleted, remove its finalizer ${topicFinalizer}.`,
    )
    return []
  }
}

async function stopOperator({ api, clock, namespace, deployment }: UninstallParts): Promise<void> {
  const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: deployment }
  await api.mergePatch(ref, { spec: { replicas: 0 } })
  const endMs = clock.monotonicMs() + stopMs
  for (;;) {
    const pods = await api.list(
      { apiVersion: 'v1', kind: 'Pod' },
      { namespace, labelSelector: 'app.kubernetes.io/name=barnabas-operator' },
    )
    if (pods.items.length === 0) return
    if (clock.monotonicMs() > endMs) {
      throw new Error(
        `The operator did not stop within ${stopMs / 1000} seconds: look at its pods in ${namespace}.`,
      )
    }
    await sleep(clock, pollMs)
  }
}

function namesOf(topics: readonly KubeObject[]): string {
  const names = topics.slice(0, mostNamed).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const more = topics.length - names.length
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
