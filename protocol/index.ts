// The only door: the wire format of Kafka, from bytes to plain objects and back.

export { Reader, type ReaderOptions } from './bytes/reader.ts'
export { Writer, type RecordsSource } from './bytes/writer.ts'
export { EncodeError, ProtocolError } from './bytes/protocol-error.ts'
export { isUuid, type Uuid, uuidFromBytes, uuidFromRandom, zeroUuid } from './bytes/uuid.ts'
export { beginFrame, endFrame, frameBodyBytes, frameHeaderBytes } from './frame.ts'
export { type OtherProtocol, otherProtocol } from './other-protocol.ts'
export { errorCode, type ErrorName, errorName, errors, errorText, KafkaError } from './errors.ts'
export { type Api, defineApi, defineData, type Message } from './schema/message.ts'
export type { Decoded, Encodable } from './schema/message-type.ts'
export { decodeMessage, encodeMessage } from './schema/compile.ts'
export { decodeVersioned, encodeVersioned, type VersionedOptions } from './schema/versioned.ts'
export { type VersionRange } from './schema/versions.ts'
export { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './messages/codec.ts'
export {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  type RequestHeader,
} from './messages/headers.ts'
export { apiByKey, apis } from './messages/apis.ts'
export { addOffsetsToTxn } from './messages/add-offsets-to-txn.ts'
export { addPartitionsToTxn } from './messages/add-partitions-to-txn.ts'
export { addRaftVoter } from './messages/add-raft-voter.ts'
export { alterClientQuotas } from './messages/alter-client-quotas.ts'
export { alterConfigs } from './messages/alter-configs.ts'
export { alterPartitionReassignments } from './messages/alter-partition-reassignments.ts'
export { alterReplicaLogDirs } from './messages/alter-replica-log-dirs.ts'
export { alterShareGroupOffsets } from './messages/alter-share-group-offsets.ts'
export { alterUserScramCredentials } from './messages/alter-user-scram-credentials.ts'
export { apiVersions } from './messages/api-versions.ts'
export { consumerGroupDescribe } from './messages/consumer-group-describe.ts'
export { consumerGroupHeartbeat } from './messages/consumer-group-heartbeat.ts'
export { createAcls } from './messages/create-acls.ts'
export { createDelegationToken } from './messages/create-delegation-token.ts'
export { createPartitions } from './messages/create-partitions.ts'
export { createTopics } from './messages/create-topics.ts'
export { deleteAcls } from './messages/delete-acls.ts'
export { deleteGroups } from './messages/delete-groups.ts'
export { deleteRecords } from './messages/delete-records.ts'
export { deleteShareGroupOffsets } from './messages/delete-share-group-offsets.ts'
export { deleteShareGroupState } from './messages/delete-share-group-state.ts'
export { deleteTopics } from './messages/delete-topics.ts'
export { describeAcls } from './messages/describe-acls.ts'
export { describeClientQuotas } from './messages/describe-client-quotas.ts'
export { describeCluster } from './messages/describe-cluster.ts'
export { describeConfigs } from './messages/describe-configs.ts'
export { describeDelegationToken } from './messages/describe-delegation-token.ts'
export { describeGroups } from './messages/describe-groups.ts'
export { describeLogDirs } from './messages/describe-log-dirs.ts'
export { describeProducers } from './messages/describe-producers.ts'
export { describeQuorum } from './messages/describe-quorum.ts'
export { describeShareGroupOffsets } from './messages/describe-share-group-offsets.ts'
export { describeTopicPartitions } from './messages/describe-topic-partitions.ts'
export { describeTransactions } from './messages/describe-transactions.ts'
export { describeUserScramCredentials } from './messages/describe-user-scram-credentials.ts'
export { electLeaders } from './messages/elect-leaders.ts'
export { endTxn } from './messages/end-txn.ts'
export { expireDelegationToken } from './messages/expire-delegation-token.ts'
export { fetch } from './messages/fetch.ts'
export { findCoordinator } from './messages/find-coordinator.ts'
export { getTelemetrySubscriptions } from './messages/get-telemetry-subscriptions.ts'
export { heartbeat } from './messages/heartbeat.ts'
export { incrementalAlterConfigs } from './messages/incremental-alter-configs.ts'
export { initProducerId } from './messages/init-producer-id.ts'
export { initializeShareGroupState } from './messages/initialize-share-group-state.ts'
export { joinGroup } from './messages/join-group.ts'
export { leaveGroup } from './messages/leave-group.ts'
export { listConfigResources } from './messages/list-config-resources.ts'
export { listGroups } from './messages/list-groups.ts'
export { listOffsets } from './messages/list-offsets.ts'
export { listPartitionReassignments } from './messages/list-partition-reassignments.ts'
export { listTransactions } from './messages/list-transactions.ts'
export { metadata } from './messages/metadata.ts'
export { offsetCommit } from './messages/offset-commit.ts'
export { offsetDelete } from './messages/offset-delete.ts'
export { offsetFetch } from './messages/offset-fetch.ts'
export { offsetForLeaderEpoch } from './messages/offset-for-leader-epoch.ts'
export { produce } from './messages/produce.ts'
export { pushTelemetry } from './messages/push-telemetry.ts'
export { readShareGroupState } from './messages/read-share-group-state.ts'
export { readShareGroupStateSummary } from './messages/read-share-group-state-summary.ts'
export { removeRaftVoter } from './messages/remove-raft-voter.ts'
export { renewDelegationToken } from './messages/renew-delegation-token.ts'
export { saslAuthenticate } from './messages/sasl-authenticate.ts'
export { saslHandshake } from './messages/sasl-handshake.ts'
export { shareAcknowledge } from './messages/share-acknowledge.ts'
export { shareFetch } from './messages/share-fetch.ts'
export { shareGroupDescribe } from './messages/share-group-describe.ts'
export { shareGroupHeartbeat } from './messages/share-group-heartbeat.ts'
export { streamsGroupDescribe } from './messages/streams-group-describe.ts'
export { streamsGroupHeartbeat } from './messages/streams-group-heartbeat.ts'
export { syncGroup } from './messages/sync-group.ts'
export { txnOffsetCommit } from './messages/txn-offset-commit.ts'
export { unregisterBroker } from './messages/unregister-broker.ts'
export { updateFeatures } from './messages/update-features.ts'
export { writeShareGroupState } from './messages/write-share-group-state.ts'
export { writeTxnMarkers } from './messages/write-txn-markers.ts'

export { consumerProtocolAssignment, consumerProtocolSubscription } from './embedded/consumer-protocol.ts'
export {
  type CoordinatorRecord,
  decodeCoordinatorRecord,
  type DecodedCoordinatorRecord,
  encodeRecordKey,
  encodeRecordValue,
} from './internal-records/coordinator-record.ts'
export {
  groupCoordinatorRecords,
  shareCoordinatorRecords,
  transactionCoordinatorRecords,
} from './internal-records/coordinator-records.ts'
export {
  groupMetadataRecord,
  legacyOffsetCommitRecord,
  offsetCommitRecord,
} from './internal-records/classic-group.ts'
export {
  consumerGroupCurrentMemberAssignmentRecord,
  consumerGroupMemberMetadataRecord,
  consumerGroupMetadataRecord,
  consumerGroupPartitionMetadataRecord,
  consumerGroupRegularExpressionRecord,
  consumerGroupTargetAssignmentMemberRecord,
  consumerGroupTargetAssignmentMetadataRecord,
} from './internal-records/consumer-group.ts'
export {
  shareGroupCurrentMemberAssignmentRecord,
  shareGroupMemberMetadataRecord,
  shareGroupMetadataRecord,
  shareGroupStatePartitionMetadataRecord,
  shareGroupTargetAssignmentMemberRecord,
  shareGroupTargetAssignmentMetadataRecord,
} from './internal-records/share-group.ts'
export { shareSnapshotRecord, shareUpdateRecord } from './internal-records/share-state.ts'
export {
  streamsGroupCurrentMemberAssignmentRecord,
  streamsGroupMemberMetadataRecord,
  streamsGroupMetadataRecord,
  streamsGroupTargetAssignmentMemberRecord,
  streamsGroupTargetAssignmentMetadataRecord,
  streamsGroupTopologyRecord,
} from './internal-records/streams-group.ts'
export { transactionLogRecord } from './internal-records/transaction-log.ts'
export { producerSnapshot } from './internal-records/producer-snapshot.ts'

export * from './bytes/crc32c.ts'
export { RecordsError, type RecordsFault } from './records/records-error.ts'
export {
  compress,
  compressAsync,
  type CompressionType,
  type CompressOptions,
  compressionTypes,
  decompress,
  decompressAsync,
  type DecompressOptions,
} from './records/compression.ts'
export { beginsLike } from './records/codec-signature.ts'
export {
  batchHeaderBytes,
  batchLengthEnd,
  RecordBatchView,
  sequenceAfter,
  type TimestampType,
} from './records/record-batch.ts'
export * from './records/find-batch.ts'
export * from './records/walk-records.ts'
export * from './records/decode-records.ts'
export * from './records/batch-builder.ts'
export * from './records/control-records.ts'
export { RecordSpans } from './records/record-spans.ts'
export * from './records/retain-records.ts'
