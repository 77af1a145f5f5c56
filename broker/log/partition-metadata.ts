import { isUuid, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { Disk } from './disk.ts'

/** Says which topic a folder belongs to, so that a new topic of the same name never serves the data of an old one. */
export const partitionMetadataFileName = 'partition.metadata'

/** `version: 0`, then `topic_id: <uuid>`. */
export function formatPartitionMetadata(topicId: Uuid): string {
  return `version: 0\ntopic_id: ${topicId}\n`
}

export function parsePartitionMetadata(text: string): Uuid | undefined {
  const fields = new Map(
    text.split('\n').map(line => {
      const [name = '', ...value] = line.split(':')
      return [name.trim(), value.join(':').trim()] as const
    }),
  )
  const topicId = fields.get('topic_id')
  if (fields.get('version') !== '0' || topicId === undefined) return undefined
  return isUuid(topicId) && topicId !== zeroUuid ? topicId : undefined
}

export type FoundTopicId =
  | { readonly kind: 'found'; readonly topicId: Uuid }
  | { readonly kind: 'missing' | 'damaged' }

export function readPartitionMetadata(disk: Disk, directory: string): FoundTopicId {
  const content = disk.readFile(`${directory}/${partitionMetadataFileName}`)
  if (content === undefined) return { kind: 'missing' }
  const topicId = parsePartitionMetadata(content.toString('utf8'))
  return topicId === undefined ? { kind: 'damaged' } : { kind: 'found', topicId }
}
