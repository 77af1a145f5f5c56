import { consumerGroupDescribe } from '../../protocol/index.ts'
import type { ConsumerGroups } from '../groups/consumer-groups.ts'
import type { DescribedGroup } from '../groups/describe-consumer-group.ts'
import { allGroupOperations, operationsNotAsked } from './authorized-operations.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** ConsumerGroupDescribe: each group succeeds or fails alone; the answer leaves when all are known. */
export function consumerGroupDescribeHandler(parts: { readonly consumerGroups: ConsumerGroups }): ApiHandler {
  return handler(consumerGroupDescribe, {}, request => {
    const { groupIds } = request
    const authorizedOperations = request.includeAuthorizedOperations ? allGroupOperations : operationsNotAsked
    if (groupIds.length === 0) return { throttleTimeMs: 0, groups: [] }
    const late = new LateAnswer<ResponseOf<typeof consumerGroupDescribe>>()
    const found: DescribedGroup[] = []
    let missing = groupIds.length
    groupIds.forEach((groupId, index) => {
      parts.consumerGroups.describe(groupId, group => {
        found[index] = group.errorCode === 0 ? { ...group, authorizedOperations } : group
        missing--
        if (missing === 0) late.answer({ throttleTimeMs: 0, groups: found })
      })
    })
    return late
  })
}
