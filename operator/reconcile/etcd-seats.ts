/** What is remembered of every member of an etcd of the cluster's own, and whether one has come without its data. Pure. */
import { etcdPeerUrl } from '../desired/etcd.ts'
import { dataVolume, names } from '../resources/names.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { EtcdMember } from './observed-cluster.ts'
import type { PodFacts } from './pods.ts'
import { liveObject, type Situation } from './situation.ts'

/** On the StatefulSet: number of a member → uid of the claim that it had when it joined, its id in etcd, "new". */
export const claimsAnnotation = 'barnabas.dev/claims'

export interface Seat {
  readonly index: number
  /** Undefined: it has never been ready, and is one of those that began together. */
  readonly remembered: Remembered | undefined
  /** Its claim is another one, and it has not joined anew. */
  readonly isLost: boolean
}

interface Remembered {
  /** Empty: it has not joined yet. */
  readonly claim: string
  /** Empty: not known. */
  readonly member: string
  /** It came after the others and has no vote yet. */
  readonly isNew: boolean
}

type Claims = Readonly<Record<string, string>>

const newcomer: Remembered = { claim: '', member: '', isNew: true }
/** In the annotation, for what is empty. */
const nothing = '-'

/** Of members 0 to `size` - 1; those from `firstNew` on are to join the ones that are there. */
export function seatsOf(situation: Situation, size: number, firstNew = size): readonly Seat[] {
  return Array.from({ length: size }, (_, index) => seatOf(situation, index, index >= firstNew))
}

function seatOf(situation: Situation, index: number, isNew: boolean): Seat {
  const before = rememberedAt(situation, index) ?? (isNew ? newcomer : undefined)
  const claim = claimOf(situation, index)?.metadata.uid
  const listed = memberAt(situation, index)
  const member = listed?.name === names.etcdMember(situation.context, index) ? listed.id : ''
  const isReady = podAt(situation, index)?.isReady === true
  // What never joined has lost nothing.
  if (before === undefined) {
    const isThere = isReady && claim !== undefined
    return { index, remembered: isThere ? { claim, member, isNew: false } : undefined, isLost: false }
  }
  const hasVote = member !== '' && listed?.isLearner === false
  const remembered = { ...before, isNew: before.isNew && !hasVote }
  if (claim === undefined) return { index, remembered, isLost: false }
  const now = { ...remembered, claim, member }
  if (before.claim === '') return { index, remembered: member === '' ? before : now, isLost: false }
  if (claim === before.claim) {
    const isNews = before.member === '' && isReady
    return { index, remembered: isNews ? now : remembered, isLost: false }
  }
  // Whoever has another id than the one that was lost has joined with the new claim, though it may not serve yet.
  const hasJoined = member !== '' && (before.member === '' ? isReady : member !== before.member)
  return { index, remembered: hasJoined ? now : before, isLost: !hasJoined }
}

/** Of the annotation. */
export function textOf(seats: readonly Seat[]): string {
  const entries = seats.flatMap(({ index, remembered }): [string, string][] => {
    if (remembered === undefined) return []
    const { claim, member, isNew } = remembered
    const words = isNew ? [claim || nothing, member || nothing, 'new'] : [claim, member]
    return [[String(index), words.join(' ').trim()]]
  })
  return JSON.stringify(Object.fromEntries(entries))
}

/** One more than the highest number of which anything is remembered. */
export function rememberedSize(situation: Situation): number {
  const indexes = Object.keys(claimsOf(situation)).map(Number).filter(Number.isInteger)
  return Math.max(-1, ...indexes) + 1
}

function rememberedAt(situation: Situation, index: number): Remembered | undefined {
  const words = (claimsOf(situation)[String(index)] ?? '').split(' ')
  const [claim = '', member = ''] = words.map(word => (word === nothing ? '' : word))
  const isNew = words[2] === 'new'
  return claim === '' && !isNew ? undefined : { claim, member, isNew }
}

function claimsOf(situation: Situation): Claims {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  try {
    return JSON.parse(live?.metadata.annotations?.[claimsAnnotation] ?? '{}') as Claims
  } catch {
    return {}
  }
}

/** Has a say in what etcd agrees on. */
export function hasVote({ remembered }: Seat): boolean {
  return remembered?.isNew !== true
}

export function claimOf(situation: Situation, index: number): KubeObject | undefined {
  const name = `${dataVolume}-${names.etcdMember(situation.context, index)}`
  return liveObject(situation, 'PersistentVolumeClaim', name)
}

export function podAt({ etcdPods }: Situation, index: number): PodFacts | undefined {
  return etcdPods.find(pod => pod.index === index)
}

/** As etcd lists it; undefined also when etcd cannot be asked. */
export function memberAt({ context, observed }: Situation, index: number): EtcdMember | undefined {
  if (observed.etcd.kind !== 'reached') return undefined
  return observed.etcd.members.find(({ peerUrls }) => peerUrls.includes(etcdPeerUrl(context, index)))
}
