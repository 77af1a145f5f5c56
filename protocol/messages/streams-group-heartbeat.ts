import { arrayOf, bool, int16, int32, int64, int8, string, struct, uint16 } from '../schema/fields.ts'
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

const taskIds = {
  subtopologyId: string(),
  partitions: arrayOf(int32()),
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

const status = {
  statusCode: int8(),
  statusDetail: string(),
}

const topicPartition = {
  topic: string(),
  partitions: arrayOf(int32()),
}

/** The request of streams groups: the topology goes up, tasks come down. Null fields mean: as before. */
export const streamsGroupHeartbeat = defineApi({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: string({ nullable: '0+', default: null }),
    rackId: string({ nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topology: struct(
      {
        epoch: int32(),
        subtopologies: arrayOf({
          subtopologyId: string(),
          sourceTopics: arrayOf(string()),
          sourceTopicRegex: arrayOf(string()),
          stateChangelogTopics: arrayOf(topicInfo),
          repartitionSinkTopics: arrayOf(string()),
          repartitionSourceTopics: arrayOf(topicInfo),
          copartitionGroups: arrayOf({
            sourceTopics: arrayOf(int16()),
            sourceTopicRegex: arrayOf(int16()),
            repartitionSourceTopics: arrayOf(int16()),
          }),
        }),
      },
      { nullable: '0+', default: null },
    ),
    activeTasks: arrayOf(taskIds, { nullable: '0+', default: null }),
    standbyTasks: arrayOf(taskIds, { nullable: '0+', default: null }),
    warmupTasks: arrayOf(taskIds, { nullable: '0+', default: null }),
    processId: string({ nullable: '0+', default: null }),
    userEndpoint: struct(endpoint, { nullable: '0+', default: null }),
    clientTags: arrayOf(keyValue, { nullable: '0+', default: null }),
    taskOffsets: arrayOf(taskOffset, { nullable: '0+', default: null }),
    taskEndOffsets: arrayOf(taskOffset, { nullable: '0+', default: null }),
    shutdownApplication: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLag: int32(),
    taskOffsetIntervalMs: int32(),
    status: arrayOf(status, { nullable: '0+' }),
    activeTasks: arrayOf(taskIds, { nullable: '0+', default: null }),
    standbyTasks: arrayOf(taskIds, { nullable: '0+', default: null }),
    warmupTasks: arrayOf(taskIds, { nullable: '0+', default: null }),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: arrayOf(
      {
        userEndpoint: struct(endpoint),
        activePartitions: arrayOf(topicPartition),
        standbyPartitions: arrayOf(topicPartition),
      },
      { nullable: '0+', default: null },
    ),
  },
})
