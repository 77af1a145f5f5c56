import { errorCode, heartbeat } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** Heartbeat of a member of a classic group. */
export function heartbeatHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(heartbeat, {}, ({ groupId, memberId, groupInstanceId, generationId }) => {
    const late = new LateAnswer<ResponseOf<typeof heartbeat>>()
    groups.heartbeat(groupId, { memberId, instanceId: groupInstanceId, generation: generationId }, error =>
      late.answer({ errorCode: errorCode(error) }),
    )
    return late
  })
}
