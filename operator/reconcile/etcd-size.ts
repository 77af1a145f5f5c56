/**
 * How many members an etcd of the cluster's own is to have now, on the way to how many are asked for. One comes or goes at a
 * time, while all others are ready. A new one is listed as a learner first: it has no vote, so etcd goes on without it
 * however long it takes to come; when it has caught up it is given one. Pure.
 */
import { etcdPeerUrl } from '../desired/etcd.ts'
import { mostEtcdMembers } from '../resources/cluster-etcd.ts'
import { dataVolume, names } from '../resources/names.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { ClusterAction, EtcdChange } from './actions.ts'
import { claimOf, hasVote, memberAt, podAt, rememberedSize, type Seat } from './etcd-seats.ts'
import type { PodFacts } from './pods.ts'
import { liveObject, type Situation } from './situation.ts'

/** On the StatefulSet: how many there were to be when it was last written. */
export const sizeAnnotation = 'barnabas.dev/members'

/** A pod with a problem may yet start: a volume is being made, an image pulled. */
const patienceMs = 60_000

export interface SizeInput {
  readonly seats: readonly Seat[]
  readonly wanted: number
  readonly isFormed: boolean
}

export interface SizeChange {
  readonly actions: readonly ClusterAction[]
  /** What etcd is on its way to, in a sentence without its full stop; undefined: there. */
  readonly underWay?: string
  /** What holds it up until people help, in sentences. */
  readonly trouble?: string
}

/** As decided before; of a Cluster that is made anew, as many as have left volumes. */
export function sizeBefore(situation: Situation, wanted: number): number {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  if (live === undefined) return leftBefore(situation) || wanted
  const { replicas = 0 } = (live.spec ?? {}) as { readonly replicas?: number }
  const decided = Number(live.metadata.annotations?.[sizeAnnotation]) || replicas
  return Math.max(decided, rememberedSize(situation)) || wanted
}

function leftBefore(situation: Situation): number {
  const left = Array.from({ length: mostEtcdMembers }, (_, index) => claimOf(situation, index))
  return left.findLastIndex(claim => claim !== undefined && isKept(claim)) + 1
}

/** Nothing that it belonged to takes it away. */
function isKept({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined && (metadata.ownerReferences ?? []).length === 0
}

/** Follows the list of etcd: a pod comes after its member was listed, and goes after it was taken out. */
export function sizeNow(situation: Situation, before: number, wanted: number): number {
  if (situation.observed.etcd.kind !== 'reached') return before
  if (before < wanted && memberAt(situation, before) !== undefined) return before + 1
  if (before > wanted && memberAt(situation, before - 1) === undefined) return before - 1
  return before
}

export function changeSize(situation: Situation, input: SizeInput): SizeChange {
  const { seats, wanted, isFormed } = input
  if (!isFormed) return { actions: [] }
  const last = lastMember(situation, seats.length)
  if (last >= wanted) return shrink(situation, input, last)
  if (seats.length < wanted || seats.some(seat => !hasVote(seat))) return grow(situation, input)
  return { actions: dropClaims(situation, input) }
}

/** The highest number that there is to be, or that is listed. */
function lastMember(situation: Situation, size: number): number {
  const indexes = Array.from({ length: mostEtcdMembers }, (_, index) => index)
  return Math.max(size - 1, ...indexes.filter(index => memberAt(situation, index) !== undefined))
}

function grow(situation: Situation, input: SizeInput): SizeChange {
  const { seats, wanted } = input
  const goal = `etcd grows to ${wanted} members`
  const comer = seats.find(seat => !hasVote(seat))
  if (comer !== undefined) {
    const name = names.etcdMember(situation.context, comer.index)
    const pod = podAt(situation, comer.index)
    const underWay = `${goal}: ${name} joins`
    if (!isStuck(situation, pod)) return { actions: [], underWay }
    const trouble =
      `${name} does not come up, so etcd does not grow to ${wanted} members: ${pod?.problem}. ` +
      'The members that were there go on without it. See to it that its pod can run, or give spec.etcd.managed.replicas as it was.'
    return { actions: [], underWay, trouble }
  }
  const waits = whyNotNow(situation, seats, goal)
  if (waits !== undefined) return waits
  const index = seats.length
  if (claimOf(situation, index) !== undefined) {
    const claim = `${dataVolume}-${names.etcdMember(situation.context, index)}`
    const underWay = `${goal} once the volume of an earlier member is gone (PersistentVolumeClaim ${claim})`
    return { actions: dropClaims(situation, input), underWay }
  }
  const peerUrl = etcdPeerUrl(situation.context, index)
  const change = { kind: 'add', peerUrl, isLearner: true } as const
  return { actions: [changeMembers(change, `${goal}: member ${index} may join`)], underWay: goal }
}

/** The last one goes first; those that stay have a quorum without it. */
function shrink(situation: Situation, input: SizeInput, last: number): SizeChange {
  const { seats, wanted } = input
  const goal = `etcd shrinks to ${wanted} ${wanted === 1 ? 'member' : 'members'}`
  const waits = whyNotNow(
    situation,
    seats.filter(({ index }) => index < last),
    goal,
  )
  if (waits !== undefined) return waits
  const leaving = memberAt(situation, last)
  // Its pod goes with the next look.
  if (leaving === undefined) return { actions: [], underWay: goal }
  const change = { kind: 'remove', memberId: leaving.id } as const
  return { actions: [changeMembers(change, `${goal}: member ${last} leaves`)], underWay: goal }
}

/** Members come and go only while all those are well that stay. */
function whyNotNow(situation: Situation, seats: readonly Seat[], goal: string): SizeChange | undefined {
  if (situation.observed.etcd.kind !== 'reached') {
    return { actions: [], underWay: `${goal} as soon as it can be asked` }
  }
  const sick = seats.find(seat => isSick(situation, seat))
  if (sick === undefined) return undefined
  const name = names.etcdMember(situation.context, sick.index)
  const pod = podAt(situation, sick.index)
  const underWay = `${goal} when ${name} is ready again`
  if (!isStuck(situation, pod)) return { actions: [], underWay }
  const trouble =
    `${name} is not ready, and before it is, no other member of etcd comes or goes: ${pod?.problem}. ` +
    'See to it that its pod can run.'
  return { actions: [], underWay, trouble }
}

function isSick(situation: Situation, { index, isLost }: Seat): boolean {
  const listed = memberAt(situation, index)
  const isMember = listed?.name === names.etcdMember(situation.context, index) && !listed.isLearner
  return isLost || !isMember || podAt(situation, index)?.isReady !== true
}

function isStuck({ observed }: Situation, pod: PodFacts | undefined): boolean {
  return pod?.problem !== undefined && observed.nowMs - pod.unreadySinceMs > patienceMs
}

/** What members that have left kept: with it nobody could join. */
function dropClaims(situation: Situation, { seats }: SizeInput): readonly ClusterAction[] {
  if (situation.observed.etcd.kind !== 'reached') return []
  const actions: ClusterAction[] = []
  for (let index = seats.length; index < mostEtcdMembers; index++) {
    const claim = claimOf(situation, index)
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) continue
    if (memberAt(situation, index) !== undefined || podAt(situation, index) !== undefined) continue
    const { apiVersion, kind, metadata } = claim
    const ref = { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
    actions.push({ kind: 'delete', ref, uid: metadata.uid, why: `member ${index} of etcd has left` })
  }
  return actions
}

/** When it has caught up; etcd itself looks whether it has. */
export function promoteLearner(situation: Situation, seats: readonly Seat[]): readonly ClusterAction[] {
  for (const { index, isLost } of seats) {
    const listed = memberAt(situation, index)
    if (isLost || listed === undefined || !listed.isLearner || listed.name === '') continue
    if (podAt(situation, index)?.isReady !== true) continue
    const change = { kind: 'promote', memberId: listed.id } as const
    return [changeMembers(change, `member ${index} of etcd has joined and is given a vote`)]
  }
  return []
}

export function changeMembers(change: EtcdChange, why: string): ClusterAction {
  return { kind: 'changeEtcdMembers', change, why }
}
