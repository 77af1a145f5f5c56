/**
 * How many brokers there are to be now, and what moves so that there may be more or fewer. Brokers that leave take no new
 * replicas, are emptied, and only then go, the last one first; asking for more again at any time ends that. Pure.
 */
import type { Reassignment } from '../../client/index.ts'
import { balanceMoves, drainMoves } from './move-replicas.ts'
import { type ObservedKafka, type ReachedKafka, replicasByBroker } from './observed-cluster.ts'

export interface ScaleInput {
  readonly wanted: number
  /** What the StatefulSet has now; undefined before there is one. */
  readonly current: number | undefined
  readonly kafka: ObservedKafka
  readonly onScaleUp: 'Rebalance' | 'None'
  /** Replicas are to be spread over brokers that came. */
  readonly isRebalancing: boolean
}

export interface ScaleDecision {
  /** For the StatefulSet. */
  readonly replicas: number
  /** Brokers that are being emptied. */
  readonly draining: readonly number[]
  /** Brokers to be cordoned, and those that are not to be any more. */
  readonly cordon: readonly number[]
  readonly uncordon: readonly number[]
  readonly moves: readonly Reassignment[]
  readonly isRebalancing: boolean
  /** Why fewer brokers cannot be. */
  readonly blocked: string | undefined
  readonly waitsFor: string | undefined
}

export function decideScale(input: ScaleInput): ScaleDecision {
  const { wanted, current, kafka } = input
  const nothing: ScaleDecision = {
    replicas: Math.max(wanted, current ?? 0),
    draining: [],
    cordon: [],
    uncordon: [],
    moves: [],
    isRebalancing: input.isRebalancing,
    blocked: undefined,
    waitsFor: undefined,
  }
  if (current === undefined) return { ...nothing, replicas: wanted }
  if (wanted < current) return scaleDown(input, current, nothing)
  const uncordon = kafka.kind === 'reached' ? [...kafka.cordoned].filter(id => id < wanted) : []
  if (wanted > current) {
    return { ...nothing, uncordon, isRebalancing: input.isRebalancing || input.onScaleUp === 'Rebalance' }
  }
  // Who is cordoned is given no replicas, and so would seem to have as many as is right.
  if (input.isRebalancing && uncordon.length > 0) {
    return { ...nothing, uncordon, waitsFor: 'brokers may take replicas again' }
  }
  return rebalance(input, { ...nothing, uncordon })
}

function scaleDown({ wanted, kafka }: ScaleInput, current: number, nothing: ScaleDecision): ScaleDecision {
  const draining = Array.from({ length: current - wanted }, (_, index) => wanted + index)
  const blocked = reasonAgainst(wanted, kafka)
  if (blocked !== undefined) return { ...nothing, replicas: current, blocked }
  if (kafka.kind === 'unreachable') {
    const waitsFor = `brokers ${draining.join(', ')} can only be emptied when brokers can be asked: ${kafka.reason}`
    return { ...nothing, replicas: current, draining, waitsFor }
  }
  const cordon = draining.filter(
    id => !kafka.cordoned.has(id) && kafka.brokers.some(broker => broker.id === id && !broker.isFenced),
  )
  // A replica that was placed there in between would be lost, so first all must be cordoned.
  if (cordon.length > 0) {
    return {
      ...nothing,
      replicas: current,
      draining,
      cordon,
      isRebalancing: false,
      waitsFor: 'brokers are cordoned',
    }
  }
  const left = replicasByBroker(kafka)
  const full = draining.filter(id => (left.get(id) ?? 0) > 0 || isMoving(kafka, id))
  const last = Math.max(-1, ...full)
  const replicas = Math.max(wanted, last + 1)
  const rest = full.reduce((sum, id) => sum + (left.get(id) ?? 0), 0)
  return {
    ...nothing,
    replicas,
    draining: full,
    moves: full.length === 0 ? [] : drainMoves(kafka, new Set(draining)),
    isRebalancing: false,
    waitsFor:
      full.length === 0
        ? undefined
        : `${rest} replicas move off ${full.length === 1 ? 'broker' : 'brokers'} ${full.join(', ')}`,
  }
}

function reasonAgainst(wanted: number, kafka: ObservedKafka): string | undefined {
  if (kafka.kind === 'unreachable') return undefined
  const tooLarge = kafka.topics.filter(({ partitions }) =>
    partitions.some(({ replicas }) => replicas.length > wanted),
  )
  if (tooLarge.length === 0) return undefined
  const named = tooLarge.slice(0, 5).map(({ name }) => name)
  const more = tooLarge.length > named.length ? ` and ${tooLarge.length - named.length} more` : ''
  return `${wanted} brokers are too few for the replicas of ${named.join(', ')}${more}; lower their replication factor, or ask for more brokers`
}

function isMoving(kafka: ReachedKafka, id: number): boolean {
  return kafka.moves.some(({ adding, removing }) => adding.includes(id) || removing.includes(id))
}

function rebalance({ wanted, kafka, isRebalancing }: ScaleInput, nothing: ScaleDecision): ScaleDecision {
  if (!isRebalancing || kafka.kind === 'unreachable') return nothing
  const here = kafka.brokers.filter(({ id, isFenced }) => id < wanted && !isFenced)
  if (here.length < wanted) return { ...nothing, waitsFor: 'new brokers join' }
  const moves = balanceMoves(kafka)
  if (moves.length === 0 && kafka.moves.length === 0) return { ...nothing, isRebalancing: false }
  return { ...nothing, moves, waitsFor: 'replicas move to new brokers' }
}
