import type { ControlHandler } from './control-server.ts'
import { ControlRefusal } from './control-status.ts'
import { decodeProto, encodeProto, messageOf } from './proto-codec.ts'
import { field, int32, int64, optional, protoMessage, repeated, text, type ValueOf } from './proto-fields.ts'

/** What a leader knows of positions that groups have committed: a coordinator asks, to tell their lag. */

const position = protoMessage('Position', {
  topic: field(1, text),
  partition: field(2, int32),
  offset: field(3, int64),
})

const positionAtLeader = protoMessage('PositionAtLeader', {
  /** Null: the broker that is asked does not lead the partition. */
  highWatermark: optional(1, int64),
  /** When the record at the position was written, ms since the epoch; null: there is none, or it is not known (yet). */
  timeMs: optional(2, int64),
})

const request = protoMessage('DescribePositionsRequest', { positions: repeated(1, messageOf(position)) })

const response = protoMessage('DescribePositionsResponse', {
  /** One for each position, in the order asked. */
  positions: repeated(1, messageOf(positionAtLeader)),
})

export type PositionAsked = ValueOf<typeof position>
export type PositionAtLeader = ValueOf<typeof positionAtLeader>

export const describePositionsMethod = { name: 'DescribePositions', request, response } as const

/** So many may be asked for at once. */
export const mostPositions = 5000

export function describePositionsHandler(
  describe: (asked: readonly PositionAsked[]) => Promise<readonly PositionAtLeader[]>,
): ControlHandler {
  return async bytes => {
    const { positions } = decodeProto(request, bytes)
    if (positions.length > mostPositions) {
      const sentence = `${positions.length} positions are asked for; at most ${mostPositions} may be.`
      throw new ControlRefusal('invalidArgument', sentence)
    }
    return encodeProto(response, { positions: await describe(positions) })
  }
}

export function encodePositionsAsked(positions: readonly PositionAsked[]): Buffer {
  return encodeProto(request, { positions })
}

/** Throws MalformedMessage. */
export function decodePositionsAnswer(bytes: Buffer): readonly PositionAtLeader[] {
  return decodeProto(response, bytes).positions
}
