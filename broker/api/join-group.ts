import { errorCode, joinGroup } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** JoinGroup. The answer comes when the join phase ends, so it may be long in coming. */
export function joinGroupHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(joinGroup, {}, (request, context) => {
    const { apiVersion } = context
    const late = new LateAnswer<ResponseOf<typeof joinGroup>>()
    groups.joinGroup(
      request.groupId,
      {
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        clientId: context.clientId ?? '',
        clientHost: `/${context.clientAddress}`,
        sessionTimeoutMs: request.sessionTimeoutMs,
        rebalanceTimeoutMs: apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
        protocolType: request.protocolType,
        protocols: new Map(request.protocols.map(({ name, metadata }) => [name, metadata])),
        mustKnowItsId: apiVersion >= 4,
        maySkipAssignment: apiVersion >= 9,
      },
      reply =>
        late.answer({
          errorCode: errorCode(reply.error),
          generationId: reply.generation,
          protocolType: reply.protocolType,
          // Null is known from v7 on.
          protocolName: reply.protocol ?? (apiVersion >= 7 ? null : ''),
          leader: reply.leader,
          skipAssignment: reply.skipAssignment,
          memberId: reply.memberId,
          members: reply.members.map(({ memberId, instanceId, metadata }) => ({
            memberId,
            groupInstanceId: instanceId,
            metadata,
          })),
        }),
    )
    return late
  })
}
