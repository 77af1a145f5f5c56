import { errorCode, type ErrorName, findCoordinator, isUuid } from '../../protocol/index.ts'
import { coordinatorPartition } from '../coordinator/locate.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { brokerEndpoints } from './cluster-view.ts'
import { type ApiHandler, handler } from './handler.ts'
import type { InternalTopicCreation } from './internal-topic-creation.ts'

/**
 * FindCoordinator: who leads the partition of the internal topic that a key belongs to. The first to ask has the topic
 * created; until it is there, the coordinator is not available.
 */
export function findCoordinatorHandler(parts: FindCoordinatorParts): ApiHandler {
  return handler(findCoordinator, {}, (request, { apiVersion, listenerName }) => {
    const find = (key: string): Found =>
      locate(parts, { key, type: request.keyType, apiVersion, listenerName })
    if (apiVersion < 4) return answerOf(find(request.key))
    return { coordinators: request.coordinatorKeys.map(key => ({ key, ...answerOf(find(key)) })) }
  })
}

export interface FindCoordinatorParts {
  readonly image: () => MetadataImage
  readonly internalTopics: InternalTopicCreation
}

type Found =
  | { readonly id: number; readonly host: string; readonly port: number }
  | { readonly error: ErrorName; readonly message: string }

/** Index = key type. */
const topicOfKeyType = ['__consumer_offsets', '__transaction_state', '__share_group_state'] as const

function locate(
  { image, internalTopics }: FindCoordinatorParts,
  asked: {
    readonly key: string
    readonly type: number
    readonly apiVersion: number
    readonly listenerName: string
  },
): Found {
  const topicName = topicOfKeyType[asked.type]
  const isShare = topicName === '__share_group_state'
  if (topicName === undefined || (isShare && asked.apiVersion < 6)) {
    return { error: 'INVALID_REQUEST', message: `There is no coordinator of type ${asked.type}.` }
  }
  if (isShare && !isSharePartitionKey(asked.key)) {
    return { error: 'INVALID_REQUEST', message: 'The key of a share partition is group:topicId:partition.' }
  }
  if (!internalTopics.isServed(topicName)) return notAvailable('This broker has no such coordinator.')
  const topic = image().topicsByName.get(topicName)
  if (topic === undefined) {
    internalTopics.ensure(topicName)
    return notAvailable(`The topic ${topicName} is being created.`)
  }
  const leader = topic.partitions[coordinatorPartition(asked.key, topic.partitions.length)]?.leader
  const endpoint = brokerEndpoints(image(), asked.listenerName).find(({ id }) => id === leader)
  return endpoint ?? notAvailable('The coordinator has no broker that leads it just now.')
}

function notAvailable(message: string): Found {
  return { error: 'COORDINATOR_NOT_AVAILABLE', message }
}

function isSharePartitionKey(key: string): boolean {
  const [, group, topicId, partition] = /^(.+):([^:]+):(\d{1,10})$/s.exec(key) ?? []
  return group !== undefined && topicId !== undefined && isUuid(topicId) && Number(partition) < 2 ** 31
}

function answerOf(found: Found) {
  if ('error' in found) {
    return { errorCode: errorCode(found.error), errorMessage: found.message, nodeId: -1, host: '', port: -1 }
  }
  return { errorCode: 0, errorMessage: null, nodeId: found.id, host: found.host, port: found.port }
}
