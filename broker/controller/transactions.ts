import type { Uuid } from '../../protocol/index.ts'
import { assert, unreachable } from '../../runtime/assert.ts'
import { configResourceKey, type MetadataImage } from '../metadata/image.ts'
import { keyOf, keys, type MetadataChange } from '../metadata/keys.ts'
import { type Compare, mostOperations, type Put, type Transaction } from '../metadata/metadata-store.ts'
import { encodeValue } from '../metadata/values.ts'

/** Most changes in one transaction: each has a compare of its own, and one more guards the controller's epoch. */
export const mostChanges = mostOperations - 1

/**
 * The transaction that makes these changes if this controller is still the controller and none of the keys moved
 * since `image`.
 */
export function transactionFor(
  image: MetadataImage,
  controllerEpoch: number,
  changes: readonly MetadataChange[],
): Transaction {
  const compare: Compare[] = [{ key: keys.controller, createRevision: controllerEpoch }]
  const put: Put[] = []
  const deletions: string[] = []
  for (const change of changes) {
    const key = keyOf(change)
    const modRevision = knownRevision(image, change)
    if (modRevision !== null) compare.push({ key, modRevision })
    const value = encodeValue(change)
    if (value === null) deletions.push(key)
    else put.push({ key, value })
  }
  return { compare, put, delete: deletions }
}

/** Gathers items into transactions, in order, without parting any; returns the places of each one's items. */
export function packItems(items: readonly (readonly MetadataChange[])[]): number[][] {
  const packed: number[][] = []
  let room = 0
  for (const [at, { length }] of items.entries()) {
    if (length > room) {
      packed.push([])
      room = mostChanges
    }
    packed.at(-1)?.push(at)
    room -= length
  }
  return packed
}

export function chunksOf(changes: readonly MetadataChange[]): MetadataChange[][] {
  const chunks: MetadataChange[][] = []
  for (let from = 0; from < changes.length; from += mostChanges)
    chunks.push(changes.slice(from, from + mostChanges))
  return chunks
}

/**
 * A change set that is too large for one transaction, in the order of its commits. Partition keys outside a topic
 * are not seen by anybody: new ones are written before the commit point, old ones are deleted after it. The journal
 * entry stands as long as such keys may be there, so that the next controller can remove them.
 */
export interface JournalledSteps {
  readonly before: readonly MetadataChange[]
  readonly commit: readonly MetadataChange[]
  readonly after: readonly MetadataChange[]
  readonly openJournal: MetadataChange
  readonly closeJournal: MetadataChange
}

export function journalledSteps(
  operationId: Uuid,
  changes: readonly MetadataChange[],
  reason: string,
): JournalledSteps {
  const before: MetadataChange[] = []
  const commit: MetadataChange[] = []
  const after: MetadataChange[] = []
  let topicId = ''
  let from = Number.POSITIVE_INFINITY
  let to = 0
  for (const change of changes) {
    if (change.kind !== 'partition') {
      commit.push(change)
      continue
    }
    assert(topicId === '' || topicId === change.topicId, 'One operation is about one topic.', { topicId })
    topicId = change.topicId
    from = Math.min(from, change.index)
    to = Math.max(to, change.index + 1)
    if (change.partition === null) after.push(change)
    else before.push(change)
  }
  assert(commit.length < mostChanges, 'The commit point of an operation fits in one transaction.')
  const operation = { kind: 'detachedPartitions', topicId, from, to, reason } as const
  return {
    before,
    commit,
    after,
    openJournal: { kind: 'operation', id: operationId, operation },
    closeJournal: { kind: 'operation', id: operationId, operation: null },
  }
}

/** The key's mod revision in the image, 0 where it is absent, null where the image does not tell. */
function knownRevision(image: MetadataImage, change: MetadataChange): number | null {
  switch (change.kind) {
    case 'topicName':
      return change.topicId === null ? null : 0
    case 'topic':
      return image.topicsById.get(change.topicId)?.modRevision ?? 0
    case 'partition': {
      const attached = image.topicsById.get(change.topicId)?.partitions[change.index]
      const partition = attached ?? image.detachedPartitions.get(change.topicId)?.get(change.index)
      return partition?.modRevision ?? 0
    }
    case 'config':
      return image.configRevisions.get(configResourceKey(change.type, change.name)) ?? 0
    case 'producerIds':
      return image.producerIds.modRevision
    case 'restartGrant':
      return image.restartGrant?.modRevision ?? 0
    case 'brokerState':
      return image.brokerStates.get(change.id)?.modRevision ?? 0
    case 'operation':
      return image.operations.get(change.id)?.modRevision ?? 0
    case 'features':
      return image.features.epoch
    case 'version':
    case 'cluster':
    case 'controller':
    case 'broker':
      return null
    default:
      return unreachable(change)
  }
}
