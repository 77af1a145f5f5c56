import { arrayOf, bool, int16, int32, int8, string, struct, uuid } from '../schema/fields.ts'
import { defineApi } from '../schema/message.ts'

const topicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: arrayOf(int32()),
}

const assignment = {
  topicPartitions: arrayOf(topicPartitions),
}

/** Newer consumer groups with current and target assignments. v1 member types. */
export const consumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: '0-1',
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
      assignorName: string(),
      members: arrayOf({
        memberId: string(),
        instanceId: string({ nullable: '0+', default: null }),
        rackId: string({ nullable: '0+', default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: arrayOf(string()),
        subscribedTopicRegex: string({ nullable: '0+', default: null }),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8('1+', { default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -2_147_483_648 }),
    }),
  },
})
