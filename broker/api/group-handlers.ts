import type { ConsumerGroups } from '../groups/consumer-groups.ts'
import type { Groups } from '../groups/groups.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { consumerGroupDescribeHandler } from './consumer-group-describe.ts'
import { consumerGroupHeartbeatHandler } from './consumer-group-heartbeat.ts'
import { deleteGroupsHandler } from './delete-groups.ts'
import { describeGroupsHandler } from './describe-groups.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import type { ApiHandler } from './handler.ts'
import { heartbeatHandler } from './heartbeat.ts'
import type { InternalTopicCreation } from './internal-topic-creation.ts'
import { joinGroupHandler } from './join-group.ts'
import { leaveGroupHandler } from './leave-group.ts'
import { listGroupsHandler } from './list-groups.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetDeleteHandler } from './offset-delete.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { syncGroupHandler } from './sync-group.ts'

/** The APIs of groups and of positions. */
export function groupHandlers(parts: GroupHandlersParts): ApiHandler[] {
  return [
    findCoordinatorHandler(parts),
    joinGroupHandler(parts),
    syncGroupHandler(parts),
    heartbeatHandler(parts),
    leaveGroupHandler(parts),
    offsetCommitHandler(parts),
    offsetFetchHandler(parts),
    offsetDeleteHandler(parts),
    listGroupsHandler(parts),
    describeGroupsHandler(parts),
    deleteGroupsHandler(parts),
    consumerGroupHeartbeatHandler(parts),
    consumerGroupDescribeHandler(parts),
  ]
}

export interface GroupHandlersParts {
  readonly image: () => MetadataImage
  readonly groups: Groups
  readonly consumerGroups: ConsumerGroups
  readonly internalTopics: InternalTopicCreation
}
