import { type ErrorName, uuidFromRandom } from '../../protocol/index.ts'
import type { MetadataImage, RestartGrantImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import { returnLeaders } from './balance-leaders.ts'
import type {
  CanRestart,
  HeldGrant,
  Outcome,
  ReleaseRestart,
  RequestRestart,
  RestartReason,
  RestartResult,
} from './controller-client.ts'
import type { Decision, DecisionContext } from './decision.ts'
import { findRestartRisks, isBack, noPartitions } from './restart-risks.ts'

/**
 * Restart grants: one broker at a time may be restarted, and only while that costs no partition what it needs.
 *
 *            request, safe                          request, safe, by the same process: the same grant again
 *   none ───────────────────► held by one broker ──┐
 *    ▲                            │      ▲         │
 *    │  released · back in sync   │      └─────────┘
 *    └──────── time is over ──────┘
 *
 * Before it ends, leaders go back to the broker that is in sync again (auto.leader.rebalance.enable): whoever restarts next
 * would otherwise lead for it too. It is no move more than without, since a leader that stays where it is moves when that
 * broker restarts.
 *
 * The grant stands in the metadata store, so that the next controller keeps to it. How much of its time is over each
 * controller counts for itself, on its own monotonic clock, from when it first knew of the grant: clocks may differ, and
 * a grant may last too long, but never too short.
 */

/** Shorter ones end before anything is restarted; longer ones would hold up everybody after a mistake. */
const leastDurationMs = 1000
const mostDurationMs = 3_600_000
const mostTextLength = 500

export interface GrantContext extends DecisionContext {
  /** How long this controller has known of the grant in the image; 0 when there is none. */
  readonly heldMs: number
}

export function canRestart(
  image: MetadataImage,
  { brokerId }: CanRestart,
  context: GrantContext,
): RestartResult {
  const held = grantInForce(image, context)
  const { reasons, tolerated } = findRestartRisks(image, brokerId)
  const all = [...knownOrNot(image, brokerId), ...heldByAnother(held, brokerId), ...reasons]
  return { error: 'NONE', message: null, safe: all.length === 0, reasons: all, tolerated, grant: held }
}

export function requestRestart(
  image: MetadataImage,
  command: RequestRestart,
  context: GrantContext & { readonly nowMs: number },
): Decision<RestartResult> {
  const mistake = findMistake(command)
  if (mistake !== null) return { changes: [], result: refuseRestart('INVALID_REQUEST', mistake) }
  const { brokerId, durationMs, holder, reason } = command
  const answer = canRestart(image, command, context)
  const incarnationId = image.brokers.get(brokerId)?.incarnationId ?? null
  const isSame = answer.grant !== null && image.restartGrant?.incarnationId === incarnationId
  if (!answer.safe || isSame) return { changes: [], result: answer }
  const { random, nowMs } = context
  const id = uuidFromRandom(size => random.bytes(size))
  return {
    changes: [
      {
        kind: 'restartGrant',
        grant: { id, brokerId, incarnationId, durationMs, holder, reason, grantedAtMs: nowMs },
      },
    ],
    result: { ...answer, grant: { id, brokerId, holder, reason, expiresInMs: durationMs } },
  }
}

export function releaseRestart(
  image: MetadataImage,
  { brokerId, grantId }: ReleaseRestart,
  context: DecisionContext,
): Decision<Outcome> {
  const result: Outcome = { error: 'NONE', message: null }
  const held = image.restartGrant
  // While leaders go back it is about to end anyway, and they are to arrive.
  const isReturning = leadersToReturn(image, context).length > 0
  const isMeant = !isReturning && held?.brokerId === brokerId && (grantId === null || grantId === held.id)
  return { changes: isMeant ? [{ kind: 'restartGrant', grant: null }] : [], result }
}

/** Why the grant in the image ends now; null when it goes on or there is none. */
export function endOfGrant(
  image: MetadataImage,
  context: GrantContext,
): 'back in sync' | 'its time is over' | null {
  const held = image.restartGrant
  if (held === null) return null
  if (context.heldMs >= held.durationMs) return 'its time is over'
  const isOver =
    isBack(image, held.brokerId, held.incarnationId) && leadersToReturn(image, context).length === 0
  return isOver ? 'back in sync' : null
}

/** Leaders that go back to the broker that was restarted and is in sync again, as many as are moved at a time. */
export function leadersToReturn(image: MetadataImage, context: DecisionContext): readonly MetadataChange[] {
  const held = image.restartGrant
  if (held === null || !isBack(image, held.brokerId, held.incarnationId)) return []
  return returnLeaders(image, held.brokerId, context)
}

export const grantEnds: MetadataChange = { kind: 'restartGrant', grant: null }

export function refuseRestart(error: ErrorName, message: string): RestartResult {
  return { error, message, safe: false, reasons: [], tolerated: noPartitions, grant: null }
}

/** The grant as far as it still holds. */
function grantInForce(image: MetadataImage, context: GrantContext): HeldGrant | null {
  const held: RestartGrantImage | null = image.restartGrant
  if (held === null || endOfGrant(image, context) !== null) return null
  const { id, brokerId, holder, reason, durationMs } = held
  return { id, brokerId, holder, reason, expiresInMs: durationMs - context.heldMs }
}

/** A broker that was never here has nothing to restart. */
function knownOrNot(image: MetadataImage, brokerId: number): RestartReason[] {
  if (image.brokers.has(brokerId) || image.brokerStates.has(brokerId)) return []
  const message = `There is no broker ${brokerId}, and there never was one.`
  return [{ kind: 'UnknownBroker', message, partitions: noPartitions }]
}

function heldByAnother(held: HeldGrant | null, brokerId: number): RestartReason[] {
  if (held === null || held.brokerId === brokerId) return []
  const seconds = Math.ceil(held.expiresInMs / 1000)
  const message = `Broker ${held.brokerId} may restart until it is back in sync and leads again, for ${seconds} s at most (${held.holder}: ${held.reason}).`
  return [{ kind: 'GrantHeld', message, partitions: noPartitions }]
}

function findMistake({ durationMs, holder, reason }: RequestRestart): string | null {
  if (durationMs < leastDurationMs || durationMs > mostDurationMs)
    return `The grant is to hold for ${durationMs} ms; give ${leastDurationMs} to ${mostDurationMs}.`
  if (holder === '' || reason === '') return 'Say who asks for the restart and why.'
  if (holder.length > mostTextLength || reason.length > mostTextLength)
    return `Say who asks for the restart and why in at most ${mostTextLength} characters each.`
  return null
}
