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
import { type ApiHandler, handler, type RequestContext, Unanswerable } from './handler.ts'
import { isInternalTopic } from './produce.ts'

type TopicAnswer = NonNullable<Encodable<typeof metadata.response>['topics']>[number]

/**
 * Metadata: the brokers of the listener the request came in on, and topics by name, by id, or all of them. While no broker is
 * registered, as in a cluster of one that starts, there is no answer: a list without brokers makes librdkafka forget the last
 * one that it knew, and some of its members never find back.
 */
export function metadataHandler(parts: {
  readonly image: () => MetadataImage
  readonly autoTopicCreation: AutoTopicCreation
}): ApiHandler {
  return handler(metadata, {}, (request, context) => {
    const image = parts.image()
    const endpoints = brokerEndpoints(image, context.listenerName)
    if (endpoints.length === 0) throw new Unanswerable('no broker is registered yet')
    const { apiVersion } = context
    const wantsAll = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
    const operations = request.includeTopicAuthorizedOperations ? allTopicOperations : operationsNotAsked
    const view: TopicView = { image, context, operations }

    const topics = wantsAll
      ? Array.from(image.topicsByName.values(), topic => topicAnswer(view, topic))
      : askedTopics(view, request.topics ?? [], name =>
          parts.autoTopicCreation.errorFor(name, apiVersion < 4 || request.allowAutoTopicCreation),
        )
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

/** Versions 10 and 11 have the field for an id already, but cannot be asked by it. */
const asksByIdSince = 12

/** Each topic once, however often it is asked for: a short request must not make a huge answer. */
function askedTopics(
  view: TopicView,
  asked: readonly { readonly name: string | null; readonly topicId: Uuid }[],
  errorOfMissing: (name: string) => ErrorName,
): TopicAnswer[] {
  const { image, context, operations } = view
  const ids = new Set<Uuid>()
  const names = new Set<string>()
  for (const { name, topicId } of asked) {
    if (topicId !== zeroUuid || name === null) ids.add(topicId)
    else names.add(name)
  }
  if (ids.size > 0 && context.apiVersion < asksByIdSince) {
    return asked.map(({ name, topicId }) => ({
      ...unknownName(name ?? '', 'INVALID_REQUEST', operations),
      topicId,
    }))
  }
  const byId = Array.from(ids, id => {
    const topic = image.topicsById.get(id)
    return topic === undefined ? unknownId(id, operations) : topicAnswer(view, topic)
  })
  const byName = Array.from(names, name => {
    const topic = image.topicsByName.get(name)
    return topic === undefined
      ? unknownName(name, errorOfMissing(name), operations)
      : topicAnswer(view, topic)
  })
  return [...byId, ...byName]
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
