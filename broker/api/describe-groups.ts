import { describeGroups, errorCode } from '../../protocol/index.ts'
import type { DescribedGroup } from '../groups/describe-groups.ts'
import type { Groups } from '../groups/groups.ts'
import { allGroupOperations, operationsNotAsked } from './authorized-operations.ts'
import { type ApiHandler, handler } from './handler.ts'

/** DescribeGroups: classic groups with their members. Before v6 a group that is not there is Dead, which is no error. */
export function describeGroupsHandler({ groups }: { readonly groups: Groups }): ApiHandler {
  return handler(describeGroups, {}, (request, { apiVersion }) => {
    const authorizedOperations = request.includeAuthorizedOperations ? allGroupOperations : operationsNotAsked
    return {
      groups: request.groups.map(groupId => {
        const described = groups.describeGroup(groupId)
        return { ...groupAnswer(described, apiVersion), authorizedOperations }
      }),
    }
  })
}

function groupAnswer(group: DescribedGroup, apiVersion: number) {
  const hidesError = group.error === 'GROUP_ID_NOT_FOUND' && apiVersion < 6
  return {
    errorCode: hidesError ? 0 : errorCode(group.error),
    ...(apiVersion < 6 ? {} : { errorMessage: group.message }),
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocol,
    members: group.members.map(({ memberId, instanceId, clientId, clientHost, metadata, assignment }) => ({
      memberId,
      groupInstanceId: instanceId,
      clientId,
      clientHost,
      memberMetadata: metadata,
      memberAssignment: assignment,
    })),
  }
}
