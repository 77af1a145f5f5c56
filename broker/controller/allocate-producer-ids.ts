import type { MetadataImage } from '../metadata/image.ts'
import type { AllocateProducerIds, AllocateProducerIdsResult } from './controller-client.ts'
import { checkSender } from './change-in-sync-set.ts'
import type { Decision } from './decision.ts'

/** Producer ids handed to a broker at once. */
const blockSize = 1000

/** The next block of producer ids, for a broker that is registered as it says. */
export function allocateProducerIds(
  image: MetadataImage,
  command: AllocateProducerIds,
): Decision<AllocateProducerIdsResult> {
  const sender = checkSender(image, command)
  if (sender.error !== 'NONE') return { changes: [], result: { ...sender, firstProducerId: -1, count: 0 } }
  const { next } = image.producerIds
  if (next > Number.MAX_SAFE_INTEGER - blockSize) {
    const message = 'All producer ids have been given out.'
    return { changes: [], result: { error: 'UNKNOWN_SERVER_ERROR', message, firstProducerId: -1, count: 0 } }
  }
  return {
    changes: [{ kind: 'producerIds', next: next + blockSize }],
    result: { error: 'NONE', message: null, firstProducerId: next, count: blockSize },
  }
}
