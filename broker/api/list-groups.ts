import { errorCode, listGroups } from '../../protocol/index.ts'
import type { Groups } from '../groups/groups.ts'
import { type ApiHandler, handler } from './handler.ts'

/** ListGroups: the groups coordinated by this broker; clients ask all brokers. */
export function listGroupsHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(listGroups, {}, ({ statesFilter, typesFilter }) => {
    const { error, groups: listed } = groups.listGroups({ states: statesFilter, types: typesFilter })
    return {
      errorCode: errorCode(error),
      groups: listed.map(({ groupId, protocolType, state, type }) => ({
        groupId,
        protocolType,
        groupState: state,
        groupType: type,
      })),
    }
  })
}
