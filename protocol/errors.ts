// Kafka's error codes, -1 to 133.

interface KafkaErrorDescription {
  readonly code: number
  /** The same request may succeed later. */
  readonly retriable: boolean
  /** Before it is repeated, metadata or the coordinator are to be looked up again. */
  readonly needsRefresh: boolean
  /** The caller can go on after it joined its group again, or with a new producer epoch. */
  readonly recoverable: boolean
  /** One sentence, fit to be sent as an error message. */
  readonly text: string
}

function fatal(code: number, text: string): KafkaErrorDescription {
  return { code, retriable: false, needsRefresh: false, recoverable: false, text }
}

function retriable(code: number, text: string): KafkaErrorDescription {
  return { code, retriable: true, needsRefresh: false, recoverable: false, text }
}

function stale(code: number, text: string): KafkaErrorDescription {
  return { code, retriable: true, needsRefresh: true, recoverable: false, text }
}

function recoverable(code: number, text: string): KafkaErrorDescription {
  return { code, retriable: false, needsRefresh: false, recoverable: true, text }
}

export const errors = {
  UNKNOWN_SERVER_ERROR: fatal(-1, 'The broker met an error that it did not expect.'),
  NONE: fatal(0, 'No error.'),
  OFFSET_OUT_OF_RANGE: fatal(1, 'The offset is outside the range that the log holds.'),
  CORRUPT_MESSAGE: retriable(2, 'A record batch is damaged: its checksum, its size or its content.'),
  UNKNOWN_TOPIC_OR_PARTITION: stale(
    3,
    'The topic or partition is not known here, or is only just being created.',
  ),
  INVALID_FETCH_SIZE: fatal(4, 'The fetch size is not acceptable.'),
  LEADER_NOT_AVAILABLE: stale(5, 'The partition has no leader at the moment.'),
  NOT_LEADER_OR_FOLLOWER: stale(6, "This broker is not the partition's leader, or holds no replica of it."),
  REQUEST_TIMED_OUT: retriable(7, 'The operation did not finish in the time that the request allowed.'),
  BROKER_NOT_AVAILABLE: fatal(8, 'The broker is not available.'),
  REPLICA_NOT_AVAILABLE: stale(9, 'The broker holds no such replica.'),
  MESSAGE_TOO_LARGE: fatal(10, 'A batch is larger than max.message.bytes of its topic.'),
  STALE_CONTROLLER_EPOCH: fatal(11, "The sender's controller epoch is outdated."),
  OFFSET_METADATA_TOO_LARGE: fatal(12, 'The metadata of a commit is longer than offset.metadata.max.bytes.'),
  NETWORK_EXCEPTION: stale(13, 'The connection broke before the answer came.'),
  COORDINATOR_LOAD_IN_PROGRESS: retriable(14, 'The coordinator is still reading its partition.'),
  COORDINATOR_NOT_AVAILABLE: stale(15, 'The coordinator is not available.'),
  NOT_COORDINATOR: stale(16, 'This broker is not the coordinator.'),
  INVALID_TOPIC_EXCEPTION: fatal(17, "The topic's name is not allowed, or the topic is internal."),
  RECORD_LIST_TOO_LARGE: fatal(18, 'The batches for a partition are together larger than a segment.'),
  NOT_ENOUGH_REPLICAS: retriable(19, 'Fewer replicas are in sync than min.insync.replicas asks for.'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: retriable(
    20,
    'The records were written, but fewer replicas are in sync than min.insync.replicas asks for.',
  ),
  INVALID_REQUIRED_ACKS: fatal(21, 'acks must be 0, 1 or -1.'),
  ILLEGAL_GENERATION: recoverable(22, 'The generation or member epoch is not the current one.'),
  INCONSISTENT_GROUP_PROTOCOL: fatal(
    23,
    "The members share no protocol, or the protocol type is another than the group's.",
  ),
  INVALID_GROUP_ID: fatal(24, 'The group id is empty or not allowed.'),
  UNKNOWN_MEMBER_ID: recoverable(25, 'The group has no such member.'),
  INVALID_SESSION_TIMEOUT: fatal(
    26,
    'The session timeout is outside group.min.session.timeout.ms and group.max.session.timeout.ms.',
  ),
  REBALANCE_IN_PROGRESS: fatal(27, 'The group is rebalancing.'),
  INVALID_COMMIT_OFFSET_SIZE: fatal(28, 'The commit is too large for one batch.'),
  TOPIC_AUTHORIZATION_FAILED: fatal(29, 'Access to the topic is denied.'),
  GROUP_AUTHORIZATION_FAILED: fatal(30, 'Access to the group is denied.'),
  CLUSTER_AUTHORIZATION_FAILED: fatal(31, 'Access to the cluster is denied.'),
  INVALID_TIMESTAMP: fatal(32, "A record's timestamp is outside the allowed range."),
  UNSUPPORTED_SASL_MECHANISM: fatal(33, 'The SASL mechanism is not enabled.'),
  ILLEGAL_SASL_STATE: fatal(34, 'The request does not fit the state of the SASL exchange.'),
  UNSUPPORTED_VERSION: fatal(35, 'The API version is not supported.'),
  TOPIC_ALREADY_EXISTS: fatal(36, 'The topic exists already.'),
  INVALID_PARTITIONS: fatal(37, 'The number of partitions is not possible.'),
  INVALID_REPLICATION_FACTOR: fatal(
    38,
    'The replication factor is below 1 or above the number of usable brokers.',
  ),
  INVALID_REPLICA_ASSIGNMENT: fatal(
    39,
    'The replica assignment contradicts itself or names unknown brokers.',
  ),
  INVALID_CONFIG: fatal(40, 'A setting is unknown or has a value that is not acceptable.'),
  NOT_CONTROLLER: retriable(41, 'This is not the active controller.'),
  INVALID_REQUEST: fatal(42, 'The request contradicts itself or makes no sense.'),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: fatal(43, 'The message format in use cannot do this.'),
  POLICY_VIOLATION: fatal(44, 'A policy forbids this.'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: fatal(45, 'A sequence number does not follow the one before.'),
  DUPLICATE_SEQUENCE_NUMBER: fatal(46, 'The batch was written before.'),
  INVALID_PRODUCER_EPOCH: recoverable(47, "The producer's epoch is older than one that was seen before."),
  INVALID_TXN_STATE: fatal(48, 'The operation does not fit the state of the transaction.'),
  INVALID_PRODUCER_ID_MAPPING: recoverable(
    49,
    'The transactional id is unknown, or belongs to another producer id.',
  ),
  INVALID_TRANSACTION_TIMEOUT: fatal(
    50,
    'The transaction timeout is larger than transaction.max.timeout.ms.',
  ),
  CONCURRENT_TRANSACTIONS: retriable(51, 'The previous transaction of this producer is not completed yet.'),
  TRANSACTION_COORDINATOR_FENCED: fatal(52, "The transaction coordinator's epoch is outdated."),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: fatal(53, 'Access to the transactional id is denied.'),
  SECURITY_DISABLED: fatal(54, 'No authorizer is configured.'),
  OPERATION_NOT_ATTEMPTED: fatal(
    55,
    'The operation was not tried, because another part of the request failed.',
  ),
  KAFKA_STORAGE_ERROR: stale(56, 'A log directory failed, and the partition is offline on this broker.'),
  LOG_DIR_NOT_FOUND: fatal(57, 'The broker has no such log directory.'),
  SASL_AUTHENTICATION_FAILED: fatal(58, 'The credentials were not accepted.'),
  UNKNOWN_PRODUCER_ID: fatal(59, 'Nothing is known of this producer any more.'),
  REASSIGNMENT_IN_PROGRESS: fatal(60, 'The partition is being reassigned.'),
  DELEGATION_TOKEN_AUTH_DISABLED: fatal(61, 'Delegation tokens are not enabled.'),
  DELEGATION_TOKEN_NOT_FOUND: fatal(62, 'The delegation token does not exist.'),
  DELEGATION_TOKEN_OWNER_MISMATCH: fatal(
    63,
    'The delegation token belongs to another owner and may not be renewed by the caller.',
  ),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: fatal(
    64,
    'Delegation tokens may not be managed over this connection.',
  ),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: fatal(65, 'Access to the delegation token is denied.'),
  DELEGATION_TOKEN_EXPIRED: fatal(66, 'The delegation token has expired.'),
  INVALID_PRINCIPAL_TYPE: fatal(67, 'The type of principal is not supported.'),
  NON_EMPTY_GROUP: fatal(68, 'The group has members.'),
  GROUP_ID_NOT_FOUND: fatal(69, 'The group does not exist.'),
  FETCH_SESSION_ID_NOT_FOUND: retriable(70, 'The fetch session does not exist.'),
  INVALID_FETCH_SESSION_EPOCH: retriable(71, 'The epoch of the fetch session is not the one expected next.'),
  LISTENER_NOT_FOUND: stale(72, 'The leader has no endpoint on this listener.'),
  TOPIC_DELETION_DISABLED: fatal(73, 'Topic deletion is not enabled (delete.topic.enable).'),
  FENCED_LEADER_EPOCH: stale(74, 'The leader epoch is older than the one that this broker knows.'),
  UNKNOWN_LEADER_EPOCH: retriable(75, 'The leader epoch is newer than the one that this broker knows.'),
  UNSUPPORTED_COMPRESSION_TYPE: fatal(76, 'The compression type is not supported in this version.'),
  STALE_BROKER_EPOCH: fatal(77, "The broker's epoch is not the current one."),
  OFFSET_NOT_AVAILABLE: retriable(78, 'The leader is new and does not know the high watermark yet.'),
  MEMBER_ID_REQUIRED: fatal(79, 'The member must join again, with the member id of this response.'),
  PREFERRED_LEADER_NOT_AVAILABLE: stale(80, 'The preferred leader is not in sync or not alive.'),
  GROUP_MAX_SIZE_REACHED: fatal(81, 'The group is full.'),
  FENCED_INSTANCE_ID: recoverable(82, 'The group.instance.id is owned by another member.'),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: stale(83, 'No replica can be elected.'),
  ELECTION_NOT_NEEDED: stale(84, 'The wanted leader leads already.'),
  NO_REASSIGNMENT_IN_PROGRESS: fatal(85, 'Nothing is being reassigned.'),
  GROUP_SUBSCRIBED_TO_TOPIC: fatal(86, 'A member of the group subscribes to the topic.'),
  INVALID_RECORD: fatal(87, 'A record does not satisfy the rules of its topic.'),
  UNSTABLE_OFFSET_COMMIT: retriable(88, 'An open transaction has positions that are not final yet.'),
  THROTTLING_QUOTA_EXCEEDED: retriable(89, 'The quota for changes is used up.'),
  PRODUCER_FENCED: recoverable(90, 'A newer producer with the same transactional id took over.'),
  RESOURCE_NOT_FOUND: fatal(91, 'The resource does not exist.'),
  DUPLICATE_RESOURCE: fatal(92, 'The request names a resource twice.'),
  UNACCEPTABLE_CREDENTIAL: fatal(93, 'The SCRAM credential is not acceptable.'),
  INCONSISTENT_VOTER_SET: fatal(94, 'The sender or the receiver is not a voter.'),
  INVALID_UPDATE_VERSION: fatal(95, 'The partition epoch or feature level is not the current one.'),
  FEATURE_UPDATE_FAILED: fatal(96, 'The feature level could not be changed.'),
  PRINCIPAL_DESERIALIZATION_FAILURE: fatal(97, 'The principal could not be decoded.'),
  SNAPSHOT_NOT_FOUND: fatal(98, 'The snapshot does not exist.'),
  POSITION_OUT_OF_RANGE: fatal(99, 'The position is outside the snapshot.'),
  UNKNOWN_TOPIC_ID: stale(100, 'The topic id is not known here.'),
  DUPLICATE_BROKER_REGISTRATION: fatal(101, 'The broker id is in use by another broker.'),
  BROKER_ID_NOT_REGISTERED: fatal(102, 'The broker id is not registered.'),
  INCONSISTENT_TOPIC_ID: stale(103, "The topic's id is another than that of the log."),
  INCONSISTENT_CLUSTER_ID: fatal(104, 'The request is meant for another cluster.'),
  TRANSACTIONAL_ID_NOT_FOUND: fatal(105, 'The transactional id is not known.'),
  FETCH_SESSION_TOPIC_ID_ERROR: retriable(106, 'The fetch session mixes topic names and topic ids.'),
  INELIGIBLE_REPLICA: fatal(107, 'A proposed in-sync replica is fenced, shutting down or restarted.'),
  NEW_LEADER_ELECTED: fatal(108, 'The change was made, and a new leader was elected.'),
  OFFSET_MOVED_TO_TIERED_STORAGE: fatal(109, 'The data is in tiered storage only.'),
  FENCED_MEMBER_EPOCH: fatal(
    110,
    "The member's epoch is not valid any more; it must give up its partitions and join again.",
  ),
  UNRELEASED_INSTANCE_ID: fatal(111, 'The group.instance.id is owned by a member that has not left.'),
  UNSUPPORTED_ASSIGNOR: fatal(112, 'The assignor is not known.'),
  STALE_MEMBER_EPOCH: fatal(113, "The member's epoch is not the current one."),
  MISMATCHED_ENDPOINT_TYPE: fatal(114, 'The request was meant for the other kind of endpoint.'),
  UNSUPPORTED_ENDPOINT_TYPE: fatal(115, 'The type of endpoint is not supported.'),
  UNKNOWN_CONTROLLER_ID: fatal(116, 'The controller id is not known.'),
  UNKNOWN_SUBSCRIPTION_ID: fatal(117, 'The telemetry subscription is outdated.'),
  TELEMETRY_TOO_LARGE: fatal(118, 'The metrics are larger than telemetry.max.bytes.'),
  INVALID_REGISTRATION: fatal(119, 'The registration is not acceptable.'),
  TRANSACTION_ABORTABLE: fatal(120, 'The transaction must be aborted; the producer can go on after that.'),
  INVALID_RECORD_STATE: fatal(121, 'The record is not acquired by this member.'),
  SHARE_SESSION_NOT_FOUND: retriable(122, 'The share session does not exist.'),
  INVALID_SHARE_SESSION_EPOCH: retriable(123, 'The epoch of the share session is not the one expected next.'),
  FENCED_STATE_EPOCH: fatal(124, 'The state epoch of the share partition is not the one that is stored.'),
  INVALID_VOTER_KEY: fatal(125, "The voter's directory id does not match."),
  DUPLICATE_VOTER: fatal(126, 'The voter exists already.'),
  VOTER_NOT_FOUND: fatal(127, 'The voter does not exist.'),
  INVALID_REGULAR_EXPRESSION: fatal(128, 'The regular expression cannot be compiled.'),
  REBOOTSTRAP_REQUIRED: fatal(129, 'The client must start again from its bootstrap servers.'),
  STREAMS_INVALID_TOPOLOGY: fatal(130, 'The topology is malformed.'),
  STREAMS_INVALID_TOPOLOGY_EPOCH: fatal(131, 'The topology epoch is not valid.'),
  STREAMS_TOPOLOGY_FENCED: fatal(132, "The topology epoch is older than the group's."),
  SHARE_SESSION_LIMIT_REACHED: retriable(133, 'The broker has as many share sessions as it may have.'),
} as const satisfies Readonly<Record<string, KafkaErrorDescription>>

export type ErrorName = keyof typeof errors

const namesByCode = new Map<number, ErrorName>()
for (const name of Object.keys(errors) as ErrorName[]) namesByCode.set(errors[name].code, name)

export function errorCode(name: ErrorName): number {
  return errors[name].code
}

/** UNKNOWN_SERVER_ERROR for codes that are not known here. */
export function errorName(code: number): ErrorName {
  return namesByCode.get(code) ?? 'UNKNOWN_SERVER_ERROR'
}

export function errorText(name: ErrorName): string {
  return errors[name].text
}

/** An error of Kafka's as an exception, for callers that have no other way to tell it. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly error: ErrorName

  constructor(error: ErrorName, message: string = errors[error].text, options?: ErrorOptions) {
    super(message, options)
    this.error = error
  }

  get retriable(): boolean {
    return errors[this.error].retriable
  }
}
