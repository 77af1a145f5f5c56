// Share partitions in __share_group_state: a snapshot now and then, and changes between.

import { arrayOf, int16, int32, int64, int8, string, tagged, uuid } from '../schema/fields.ts'
import { defineCoordinatorRecord } from './coordinator-record.ts'

/** Whole state of a share partition. */
export const shareSnapshotRecord = defineCoordinatorRecord({
  type: 0,
  name: 'ShareSnapshot',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  },
  value: {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: tagged(0, int32({ default: -1 })),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: arrayOf({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
})

/** What changed in a share partition since its snapshot. */
export const shareUpdateRecord = defineCoordinatorRecord({
  type: 1,
  name: 'ShareUpdate',
  versions: '0',
  flexible: '0+',
  key: {
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  },
  value: {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: tagged(0, int32({ default: -1 })),
    stateBatches: arrayOf({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
})
