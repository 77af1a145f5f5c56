import type { ControlHandler } from './control-server.ts'
import { decodeProto, encodeProto, messageOf } from './proto-codec.ts'
import {
  bool,
  field,
  int32,
  int64,
  optional,
  protoMessage,
  repeated,
  text,
  type ValueOf,
  wordOrFirst,
} from './proto-fields.ts'

/** What a broker says of itself, to the operator and to other brokers. It alone is asked; nothing is forwarded. */

export const brokerStatusRequest = protoMessage('BrokerStatusRequest', {})

export const brokerStatusResponse = protoMessage('BrokerStatusResponse', {
  brokerId: field(1, int32),
  clusterId: field(2, text),
  release: field(3, text),
  state: field(4, wordOrFirst('starting', 'recovering', 'ready', 'stopping')),
  /** Why clients should not be sent here; empty when they may: what /readyz says. */
  notReady: repeated(
    5,
    messageOf(protoMessage('NotReadyReason', { reason: field(1, text), message: field(2, text) })),
  ),
  /** What is left to do of the logs after an unclean stop. */
  recovery: field(
    6,
    messageOf(
      protoMessage('Recovery', {
        remainingLogs: field(1, int32),
        remainingSegments: field(2, int32),
        remainingBytes: field(3, int64),
      }),
    ),
  ),
  /** Null before the replicas are opened. */
  replicas: optional(
    7,
    messageOf(
      protoMessage('Replicas', {
        total: field(1, int32),
        /** Partitions that the broker leads; the next three are among them. */
        leaders: field(2, int32),
        underReplicated: field(3, int32),
        underMinIsr: field(4, int32),
        atMinIsr: field(5, int32),
        /** Replicas whose log directory failed. */
        offline: field(6, int32),
        /** Offsets that the replica furthest behind its leader is behind. */
        maxLag: field(7, int64),
      }),
    ),
  ),
  /** Whether the registration is known to be valid; its epoch, -1 without one. */
  isRegistered: field(8, bool),
  brokerEpoch: field(9, int64),
  isController: field(10, bool),
  /** As this broker knows it. */
  controller: optional(
    11,
    messageOf(protoMessage('ActiveController', { brokerId: field(1, int32), epoch: field(2, int64) })),
  ),
  /** Revision of the metadata that this broker follows. */
  revision: field(12, int64),
  /** None before they are opened. */
  logDirectories: repeated(
    13,
    messageOf(
      protoMessage('LogDirectory', {
        path: field(1, text),
        /** Why it is offline; empty while it works. */
        failure: field(2, text),
        /** So little room is left that no new records are taken. */
        isFull: field(3, bool),
        /** -1 when not known, as the next one. */
        totalBytes: field(4, int64),
        usableBytes: field(5, int64),
      }),
    ),
  ),
})

export type BrokerStatus = ValueOf<typeof brokerStatusResponse>

export const brokerStatusMethod = {
  name: 'BrokerStatus',
  request: brokerStatusRequest,
  response: brokerStatusResponse,
} as const

export function encodeStatusRequest(): Buffer {
  return encodeProto(brokerStatusRequest, {})
}

export function decodeStatus(bytes: Buffer): BrokerStatus {
  return decodeProto(brokerStatusResponse, bytes)
}

export function brokerStatusHandler(status: () => BrokerStatus): ControlHandler {
  return bytes => {
    decodeProto(brokerStatusRequest, bytes)
    return Promise.resolve(encodeProto(brokerStatusResponse, status()))
  }
}
