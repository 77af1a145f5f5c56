import { listPartitionReassignments } from '../../protocol/index.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/image.ts'
import { type ApiHandler, handler } from './handler.ts'

/** ListPartitionReassignments: the moves in progress; those asked for that are not moving are left out. */
export function listPartitionReassignmentsHandler(parts: {
  readonly image: () => MetadataImage
}): ApiHandler {
  return handler(listPartitionReassignments, {}, request => {
    const { topicsByName } = parts.image()
    const asked =
      request.topics?.map(({ name, partitionIndexes }) =>
        movesOf(topicsByName.get(name), partitionIndexes),
      ) ?? [...topicsByName.values()].map(topic => movesOf(topic, [...topic.partitions.keys()]))
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      topics: asked.filter(({ partitions }) => partitions.length > 0),
    }
  })
}

interface Move {
  readonly partitionIndex: number
  readonly replicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

function movesOf(
  topic: TopicImage | undefined,
  indexes: readonly number[],
): { name: string; partitions: Move[] } {
  const partitions: Move[] = []
  for (const partitionIndex of new Set(indexes)) {
    const partition = topic?.partitions[partitionIndex]
    if (partition === undefined || !isMoving(partition)) continue
    const { replicas, adding: addingReplicas, removing: removingReplicas } = partition
    partitions.push({ partitionIndex, replicas, addingReplicas, removingReplicas })
  }
  return { name: topic?.name ?? '', partitions }
}

function isMoving({ adding, removing }: PartitionImage): boolean {
  return adding.length + removing.length > 0
}
