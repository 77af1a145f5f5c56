import type { consumerGroupHeartbeat, Decoded } from '../../protocol/index.ts'
import { compileExpression } from '../re2/regular-expression.ts'
import { checkAssignor } from './assignor.ts'
import { leaveEpoch, staticLeaveEpoch } from './consumer-member.ts'
import type { Refusal } from './consumer-step.ts'

export type HeartbeatRequest = Decoded<(typeof consumerGroupHeartbeat)['request']>

/** The first version in which the client makes the member's id. */
const clientMadeIds = 1

/** What is wrong with the request itself, whatever the group. */
export function checkHeartbeat(
  request: HeartbeatRequest,
  apiVersion: number,
  allowedAssignors: readonly string[],
): Refusal | undefined {
  const { memberEpoch } = request
  const needsId = apiVersion >= clientMadeIds || memberEpoch > 0 || memberEpoch === leaveEpoch
  if (needsId && isBlank(request.memberId)) return invalid("MemberId can't be empty.")
  if (isBlank(request.groupId)) return invalid("GroupId can't be empty.")
  if (isBlank(request.instanceId)) return invalid("InstanceId can't be empty.")
  if (isBlank(request.rackId)) return invalid("RackId can't be empty.")
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1)
      return invalid('RebalanceTimeoutMs must be provided in first request.')
    if (request.topicPartitions === null || request.topicPartitions.length > 0)
      return invalid('TopicPartitions must be empty when (re-)joining.')
    if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null)
      return invalid(
        'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
      )
  } else if (memberEpoch === staticLeaveEpoch) {
    if (request.instanceId === null) return invalid("InstanceId can't be null.")
  } else if (memberEpoch < staticLeaveEpoch) {
    return invalid('MemberEpoch is invalid.')
  }
  return request.serverAssignor === null ? undefined : checkAssignor(request.serverAssignor, allowedAssignors)
}

/** An expression that a member comes with must be one. */
export function checkExpression(text: string): Refusal | undefined {
  const compiled = compileExpression(text)
  if (compiled.kind === 'compiled') return undefined
  return {
    error: 'INVALID_REGULAR_EXPRESSION',
    message: `SubscribedTopicRegex \`${text}\` is not a valid regular expression: ${compiled.reason}.`,
  }
}

/** Nothing but spaces counts as empty; null is not there at all. */
function isBlank(text: string | null): boolean {
  return text !== null && text.trim() === ''
}

function invalid(message: string): Refusal {
  return { error: 'INVALID_REQUEST', message }
}
