// Streams groups in __consumer_offsets.

import {
  arrayOf,
  int16,
  int32,
  int64,
  int64Big,
  int8,
  string,
  struct,
  tagged,
  uint16,
} from '../schema/fields.ts'
import { defineCoordinatorRecord } from './coordinator-record.ts'

const lastAssignmentConfig = {
  key: string(),
  value: string(),
}

/** A streams group: its epoch and the configuration behind its last assignment. */
export const streamsGroupMetadataRecord = defineCoordinatorRecord({
  type: 17,
  name: 'StreamsGroupMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    epoch: int32(),
    metadataHash: int64Big(),
    validatedTopologyEpoch: tagged(0, int32({ default: -1 })),
    lastAssignmentConfigs: tagged(1, arrayOf(lastAssignmentConfig, { nullable: '0+' })),
  },
})

const endpoint = {
  host: string(),
  port: uint16(),
}

const keyValue = {
  key: string(),
  value: string(),
}

/** What a member of a streams group says of itself. */
export const streamsGroupMemberMetadataRecord = defineCoordinatorRecord({
  type: 19,
  name: 'StreamsGroupMemberMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct(endpoint, { nullable: '0+', default: null }),
    clientTags: arrayOf(keyValue),
  },
})

/** The epoch for which a target assignment was made. */
export const streamsGroupTargetAssignmentMetadataRecord = defineCoordinatorRecord({
  type: 20,
  name: 'StreamsGroupTargetAssignmentMetadata',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
    assignmentEpoch: int32(),
    assignmentTimestamp: tagged(0, int64({ default: 0, ignorable: true })),
  },
})

const taskIds = {
  subtopologyId: string(),
  partitions: arrayOf(int32()),
}

/** Tasks that a member is to run. */
export const streamsGroupTargetAssignmentMemberRecord = defineCoordinatorRecord({
  type: 21,
  name: 'StreamsGroupTargetAssignmentMember',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    activeTasks: arrayOf(taskIds),
    standbyTasks: arrayOf(taskIds),
    warmupTasks: arrayOf(taskIds),
  },
})

const currentTaskIds = {
  subtopologyId: string(),
  partitions: arrayOf(int32()),
  assignmentEpochs: tagged(0, arrayOf(int32(), { nullable: '0+' })),
}

/** Tasks that a member runs and still has to give up. */
export const streamsGroupCurrentMemberAssignmentRecord = defineCoordinatorRecord({
  type: 22,
  name: 'StreamsGroupCurrentMemberAssignment',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: arrayOf(currentTaskIds),
    standbyTasks: arrayOf(currentTaskIds),
    warmupTasks: arrayOf(currentTaskIds),
    activeTasksPendingRevocation: arrayOf(currentTaskIds),
    standbyTasksPendingRevocation: arrayOf(currentTaskIds),
    warmupTasksPendingRevocation: arrayOf(currentTaskIds),
  },
})

const topicConfig = {
  key: string(),
  value: string(),
}

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: arrayOf(topicConfig),
}

/** The topology that a streams group runs. */
export const streamsGroupTopologyRecord = defineCoordinatorRecord({
  type: 23,
  name: 'StreamsGroupTopology',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
  },
  value: {
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
})
