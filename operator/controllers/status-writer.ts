import { hashOf } from '../desired/hash.ts'
import { declaredFields } from '../resources/declared-fields.ts'
import { type KubeObject, refOf } from '../resources/kube-object.ts'
import type { KubeCache } from './kube-cache.ts'

/** Writes a status if it says anything else than what is there. */
export async function writeStatus(cache: KubeCache, object: KubeObject, status: unknown): Promise<void> {
  const schema = cache.otherStatusSchemas.get(object.kind)
  const told = schema === undefined ? status : declaredFields(schema, status)
  if (hashOf(told ?? {}) === hashOf(object.status ?? {})) return
  const { uid = '' } = object.metadata
  cache.note(await cache.api.applyStatus(refOf(object), uid, told))
}
