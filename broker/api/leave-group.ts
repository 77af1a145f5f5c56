import { errorCode, leaveGroup } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** LeaveGroup. Up to v2 one member, whose outcome is that of the request; from v3 on several, each with its own. */
export function leaveGroupHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(leaveGroup, {}, (request, { apiVersion }) => {
    const late = new LateAnswer<ResponseOf<typeof leaveGroup>>()
    const members =
      apiVersion >= 3
        ? request.members.map(({ memberId, groupInstanceId }) => ({ memberId, instanceId: groupInstanceId }))
        : [{ memberId: request.memberId, instanceId: null }]
    groups.leaveGroup(request.groupId, members, reply => {
      if ('error' in reply) late.answer({ errorCode: errorCode(reply.error) })
      else if (apiVersion < 3) late.answer({ errorCode: errorCode(reply.errors[0] ?? 'NONE') })
      else {
        late.answer({
          errorCode: 0,
          members: members.map(({ memberId, instanceId }, index) => ({
            memberId,
            groupInstanceId: instanceId,
            errorCode: errorCode(reply.errors[index] ?? 'NONE'),
          })),
        })
      }
    })
    return late
  })
}
