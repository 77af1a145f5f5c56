import { type MetadataImage, isAlive } from '../metadata/image.ts'
import type { Partition } from './partition.ts'

/**
 * Which replica a consumer is sent to read from (KIP-392): one in its rack that has what it asks for. The leader when that is
 * in the rack, else the one that is furthest; -1 when the consumer stays with the leader.
 */
export function preferredReplica(
  partition: Pick<Partition, 'followers' | 'isr' | 'state'>,
  image: MetadataImage,
  asked: { readonly rackId: string; readonly listenerName: string; readonly fetchOffset: number },
): number {
  const { leader } = partition.state
  if (image.brokers.get(leader)?.rack === asked.rackId) return -1
  let best = -1
  let bestEndOffset = -1
  for (const [id, { endOffset, logStartOffset }] of partition.followers ?? []) {
    const broker = image.brokers.get(id)
    if (broker?.rack !== asked.rackId || !isAlive(image, id) || !partition.isr.includes(id)) continue
    if (!broker.listeners.some(({ name }) => name === asked.listenerName)) continue
    if (logStartOffset > asked.fetchOffset || endOffset < asked.fetchOffset || endOffset <= bestEndOffset)
      continue
    best = id
    bestEndOffset = endOffset
  }
  return best
}
