import type { MetadataImage } from './image.ts'
import { keys } from './keys.ts'
import type { MetadataStore } from './metadata-store.ts'

/**
 * Ends the registration of another process that is known to be dead, and its office as controller: everybody learns of it
 * now, not when its lease runs out. Answers whether it did; false when that registration is gone or another's by now.
 *
 * Nothing rests on the process really being dead. If it lives it is in the place of a broker that lost its lease: what it
 * commits fails by the epochs, and it registers anew.
 */
export async function endRegistration(
  store: MetadataStore,
  image: MetadataImage,
  { id, epoch }: { readonly id: number; readonly epoch: number },
): Promise<boolean> {
  const compare = [{ key: keys.broker(id), createRevision: epoch }]
  const gone = [keys.broker(id)]
  if (image.controller?.id === id) {
    compare.push({ key: keys.controller, createRevision: image.controller.epoch })
    gone.push(keys.controller)
  }
  const { ok } = await store.commit({ compare, delete: gone })
  return ok
}
