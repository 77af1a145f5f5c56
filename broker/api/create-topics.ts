import { createTopics, type Encodable, errorCode } from '../../protocol/index.ts'
import type { DescribedConfig } from '../config/describe-configs.ts'
import type { ControllerClient, CreateTopicResult } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

type TopicAnswer = NonNullable<Encodable<typeof createTopics.response>['topics']>[number]

/** CreateTopics. From v5 on the answer tells the settings that the topic got. */
export function createTopicsHandler(parts: {
  readonly controller: ControllerClient
  /** All settings of a topic with these overrides. */
  readonly describeTopic: (overrides: ReadonlyMap<string, string>) => readonly DescribedConfig[]
}): ApiHandler {
  return handler(createTopics, {}, async (request, context) => {
    const results = await parts.controller.createTopics({
      topics: request.topics,
      validateOnly: request.validateOnly,
      timeoutMs: request.timeoutMs,
      principal: context.principal,
    })
    return { throttleTimeMs: 0, topics: results.map(result => topicAnswer(result, parts.describeTopic)) }
  })
}

function topicAnswer(
  result: CreateTopicResult,
  describeTopic: (overrides: ReadonlyMap<string, string>) => readonly DescribedConfig[],
): TopicAnswer {
  const { name, topicId, error, message, numPartitions, replicationFactor } = result
  return {
    name,
    topicId,
    errorCode: errorCode(error),
    errorMessage: message,
    numPartitions,
    replicationFactor,
    configs:
      error === 'NONE'
        ? describeTopic(result.configs).map(({ name: key, value, readOnly, source, isSensitive }) => ({
            name: key,
            value,
            readOnly,
            configSource: source,
            isSensitive,
          }))
        : null,
  }
}
