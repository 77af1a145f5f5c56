import { createPartitions, errorCode } from '../../protocol/index.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import { type ApiHandler, handler } from './handler.ts'

/** CreatePartitions: more partitions for topics; `count` is the new total. */
export function createPartitionsHandler(parts: { readonly controller: ControllerClient }): ApiHandler {
  return handler(createPartitions, {}, async (request, context) => {
    const results = await parts.controller.createPartitions({
      topics: request.topics.map(({ name, count, assignments }) => ({
        name,
        count,
        assignments: assignments === null ? null : assignments.map(({ brokerIds }) => brokerIds),
      })),
      validateOnly: request.validateOnly,
      timeoutMs: request.timeoutMs,
      principal: context.principal,
    })
    return {
      throttleTimeMs: 0,
      results: results.map(({ name, error, message }) => ({
        name,
        errorCode: errorCode(error),
        errorMessage: message,
      })),
    }
  })
}
