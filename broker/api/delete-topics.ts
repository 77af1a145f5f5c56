import { deleteTopics, errorCode, type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

/** DeleteTopics, by name or (v6+) by id. */
export function deleteTopicsHandler(parts: { readonly controller: ControllerClient }): ApiHandler {
  return handler(deleteTopics, {}, async (request, context) => {
    const topics: { name: string | null; topicId: Uuid | null }[] =
      context.apiVersion >= 6
        ? request.topics.map(({ name, topicId }) => ({
            name,
            topicId: topicId === zeroUuid ? null : topicId,
          }))
        : request.topicNames.map(name => ({ name, topicId: null }))
    const results = await parts.controller.deleteTopics({
      topics,
      timeoutMs: request.timeoutMs,
      principal: context.principal,
    })
    return {
      throttleTimeMs: 0,
      responses: results.map(({ name, topicId, error, message }) => ({
        name,
        topicId: topicId ?? zeroUuid,
        errorCode: errorCode(error),
        errorMessage: message,
      })),
    }
  })
}
