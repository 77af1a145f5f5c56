import { hashOf } from '../desired/hash.ts'
import { type KubeObject, refOf } from '../resources/kube-object.ts'
import type { KubeCache } from './kube-cache.ts'

/** Writes a status if it says anything else than what is there. */
export async function writeStatus(cache: KubeCache, object: KubeObject, status: unknown): Promise<void> {
  if (hashOf(status ?? {}) === hashOf(object.status ?? {})) return
  const { uid = '' } = object.metadata
  cache.note(await cache.api.applyStatus(refOf(object), uid, status))
}
