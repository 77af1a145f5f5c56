import {
  type Encodable,
  type ErrorName,
  errorCode,
  metadata,
  type Uuid,
  zeroUuid,
} from '../../protocol/index.ts'
import type { MetadataImage, TopicImage } from '../metadata/image.ts'
import { allClusterOperations, allTopicOperations, operationsNotAsked } from './authorized-operations.ts'
import type { AutoTopicCreation } from './auto-topic-creation.ts'
import { brokerEndpoints, controllerForClients, partitionView } from './cluster-view.ts'
import { type ApiHandler, handler, type RequestContext } from './handler.ts'
import { isInternalTopic } from './produce.ts'

type TopicAnswer = NonNullable<Encodable<typeof metadata.response>['topics']>[number]

/** Metadata: the brokers of the listener the request came in on, and topics by name, by id, or all of them. */
export function metadataHandler(parts: {
  readonly image: () => MetadataImage
  readonly autoTopicCreation: AutoTopicCreation
}): ApiHandler {
  return handler(metadata, {}, (request, context) => {
    const image = parts.image()
    const { apiVersion } = context
    const wantsAll = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
    const operations = request.includeTopicAuthorizedOperations ? allTopicOperations : operationsNotAsked
    const view: TopicView = { image, context, operations }

    const topics: TopicAnswer[] = []
    if (wantsAll) {
      for (const topic of image.topicsByName.values()) topics.push(topicAnswer(view, topic))
    } else {
      const missing = new Set<string>()
      for (const { name, topicId } of request.topics ?? []) {
        const found = findTopic(image, name, topicId)
        if (found !== undefined) topics.push(topicAnswer(view, found))
        else if (name === null || topicId !== zeroUuid) topics.push(unknownId(topicId, operations))
        else missing.add(name)
      }
      const mayCreate = apiVersion < 4 || request.allowAutoTopicCreation
      for (const name of missing) {
        topics.push(unknownName(name, parts.autoTopicCreation.errorFor(name, mayCreate), operations))
      }
    }
    const endpoints = brokerEndpoints(image, context.listenerName)
    return {
      throttleTimeMs: 0,
      brokers: endpoints.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: image.clusterId,
      controllerId: controllerForClients(image, endpoints),
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allClusterOperations
        : operationsNotAsked,
    }
  })
}

interface TopicView {
  readonly image: MetadataImage
  readonly context: RequestContext
  readonly operations: number
}

function findTopic(image: MetadataImage, name: string | null, topicId: Uuid): TopicImage | undefined {
  if (topicId !== zeroUuid) return image.topicsById.get(topicId)
  return name === null ? undefined : image.topicsByName.get(name)
}

function topicAnswer(view: TopicView, topic: TopicImage): TopicAnswer {
  const { apiVersion, listenerName } = view.context
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    topicAuthorizedOperations: view.operations,
    partitions: topic.partitions.map((partition, partitionIndex) => {
      const seen = partitionView(view.image, partition, listenerName)
      return {
        errorCode: errorCode(errorForVersion(seen.error, apiVersion)),
        partitionIndex,
        leaderId: seen.leader,
        leaderEpoch: seen.leaderEpoch,
        replicaNodes: [...seen.replicas],
        isrNodes: [...seen.isr],
        offlineReplicas: [...seen.offlineReplicas],
      }
    }),
  }
}

/** LISTENER_NOT_FOUND came with v6. */
function errorForVersion(error: ErrorName, apiVersion: number): ErrorName {
  return error === 'LISTENER_NOT_FOUND' && apiVersion < 6 ? 'LEADER_NOT_AVAILABLE' : error
}

function unknownName(name: string, error: ErrorName, topicAuthorizedOperations: number): TopicAnswer {
  return {
    errorCode: errorCode(error),
    name,
    topicId: zeroUuid,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations,
  }
}

function unknownId(topicId: Uuid, topicAuthorizedOperations: number): TopicAnswer {
  return {
    errorCode: errorCode('UNKNOWN_TOPIC_ID'),
    name: null,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations,
  }
}
