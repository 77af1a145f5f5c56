import { deleteGroups, errorCode } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import { type ApiHandler, handler, LateAnswer } from './handler.ts'
import type { ResponseOf } from './response-of.ts'

/** DeleteGroups. Each group succeeds or fails alone. */
export function deleteGroupsHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(deleteGroups, {}, ({ groupsNames }) => {
    const late = new LateAnswer<ResponseOf<typeof deleteGroups>>()
    const results = groupsNames.map(groupId => ({ groupId, errorCode: 0 }))
    let pending = results.length
    if (pending === 0) return { throttleTimeMs: 0, results }
    for (const result of results) {
      groups.deleteGroup(result.groupId, error => {
        result.errorCode = errorCode(error)
        pending--
        if (pending === 0) late.answer({ throttleTimeMs: 0, results })
      })
    }
    return late
  })
}
