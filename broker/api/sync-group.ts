import { errorCode, syncGroup } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** SyncGroup. Members are answered when the leader's assignment is replicated. */
export function syncGroupHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(syncGroup, {}, (request, { apiVersion }) => {
    const late = new LateAnswer<ResponseOf<typeof syncGroup>>()
    const { protocolType, protocolName } = request
    if (apiVersion >= 5 && (protocolType === null || protocolName === null)) {
      return { errorCode: errorCode('INCONSISTENT_GROUP_PROTOCOL'), assignment: Buffer.alloc(0) }
    }
    groups.syncGroup(
      request.groupId,
      {
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        generation: request.generationId,
        protocolType,
        protocol: protocolName,
        assignments: new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment])),
      },
      reply =>
        late.answer({
          errorCode: errorCode(reply.error),
          protocolType: reply.protocolType,
          protocolName: reply.protocol,
          assignment: reply.assignment,
        }),
    )
    return late
  })
}
