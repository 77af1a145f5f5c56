import { arrayOf, bool, int16, int32, int64, string, struct, uint16 } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const keyValue = {
  key: string(),
  value: string(),
}

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: arrayOf(keyValue),
}

const endpoint = {
  host: string(),
  port: uint16(),
}

const taskOffset = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64(),
}

const taskIds = {
  subtopologyId: string(),
  partitions: arrayOf(int32()),
}

const assignment = {
  activeTasks: arrayOf(taskIds),
  standbyTasks: arrayOf(taskIds),
  warmupTasks: arrayOf(taskIds),
}

/** Streams groups with topology, members and tasks. */
export const streamsGroupDescribe = defineApi({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: '0',
  flexible: '0+',
  request: {
    groupIds: arrayOf(string()),
    includeAuthorizedOperations: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: arrayOf({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      topology: struct(
        {
          epoch: int32(),
          subtopologies: arrayOf(
            {
              subtopologyId: string(),
              sourceTopics: arrayOf(string()),
              repartitionSinkTopics: arrayOf(string()),
              stateChangelogTopics: arrayOf(topicInfo),
              repartitionSourceTopics: arrayOf(topicInfo),
            },
            { nullable: '0+', default: null },
          ),
        },
        { nullable: '0+', default: null },
      ),
      members: arrayOf({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: string({ nullable: '0+', default: null }),
        rackId: string({ nullable: '0+', default: null }),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        processId: string(),
        userEndpoint: struct(endpoint, { nullable: '0+', default: null }),
        clientTags: arrayOf(keyValue),
        taskOffsets: arrayOf(taskOffset),
        taskEndOffsets: arrayOf(taskOffset),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        isClassic: bool(),
      }),
      authorizedOperations: int32({ default: -2_147_483_648 }),
    }),
  },
})
