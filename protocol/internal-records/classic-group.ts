// Positions of all kinds of groups, and classic groups, in __consumer_offsets.

import { arrayOf, bytes, int32, int64, string, tagged, uuid } from '../schema/fields.ts'
import { defineCoordinatorRecord } from './coordinator-record.ts'

/**
 * One committed position. v1 carried an expiry time of its own, v3 the leader epoch, v4 is flexible with the
 * topic's id.
 */
export const offsetCommitRecord = defineCoordinatorRecord({
  type: 1,
  name: 'OffsetCommit',
  versions: '0-4',
  flexible: '4+',
  key: {
    group: string(),
    topic: string(),
    partition: int32(),
  },
  value: {
    offset: int64(),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64('1', { default: -1, ignorable: true }),
    topicId: tagged(0, uuid('4+', { ignorable: true })),
  },
})

/** Positions as written before Kafka 0.9; only read. */
export const legacyOffsetCommitRecord = defineCoordinatorRecord({
  type: 0,
  name: 'LegacyOffsetCommit',
  versions: '0',
  flexible: 'none',
  key: {
    group: string(),
    topic: string(),
    partition: int32(),
  },
  value: {
    offset: int64(),
    metadata: string(),
    commitTimestamp: int64(),
  },
})

const memberMetadata = {
  memberId: string(),
  groupInstanceId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32('1+', { default: -1, ignorable: true }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
}

/** A classic group as a whole, members and their assignments included. */
export const groupMetadataRecord = defineCoordinatorRecord({
  type: 2,
  name: 'GroupMetadata',
  versions: '0-4',
  flexible: '4+',
  key: {
    group: string(),
  },
  value: {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: '0+' }),
    leader: string({ nullable: '0+' }),
    currentStateTimestamp: int64('2+', { default: -1, ignorable: true }),
    members: arrayOf(memberMetadata),
  },
})
