import { arrayOf, bool, int16, int32, string, struct, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const topicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: arrayOf(int32()),
}

const assignment = {
  topicPartitions: arrayOf(topicPartitions),
}

/** Share groups with their members and assignments. */
export const shareGroupDescribe = defineApi({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: '1',
  flexible: '1+',
  request: {
    groupIds: arrayOf(string()),
    includeAuthorizedOperations: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: arrayOf({
      errorCode: int16(),
      errorMessage: string({ nullable: '1+', default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: arrayOf({
        memberId: string(),
        rackId: string({ nullable: '1+', default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: arrayOf(string()),
        assignment: struct(assignment),
      }),
      authorizedOperations: int32({ default: -2_147_483_648 }),
    }),
  },
})
