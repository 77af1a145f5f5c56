/**
 * The steps that look after an etcd of the cluster's own. A member whose volume is lost is replaced: it cannot come back
 * as what it was, so it is taken out of the others' list and joins them as a new one. Pure.
 */
import { managedEtcd } from '../desired/broker-settings.ts'
import { etcdBudget, etcdPeerUrl, etcdService, etcdStateConfigMap, etcdStatefulSet } from '../desired/etcd.ts'
import { dataVolume, names } from '../resources/names.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { ClusterAction } from './actions.ts'
import { decideEtcdSize } from './etcd-size.ts'
import type { EtcdMember } from './observed-cluster.ts'
import type { PodFacts } from './pods.ts'
import { applyAll, liveObject, type Situation, type Step } from './situation.ts'

/** On the StatefulSet: number of a member → uid of the claim that it had when it joined, and its id in etcd. */
const claimsAnnotation = 'barnabas.dev/claims'

type Claims = Readonly<Record<string, string>>

export const etcdStep: Step = (situation, findings) => {
  const { context } = situation
  const etcd = managedEtcd(context)
  if (etcd === undefined) return { actions: [] }
  const live = liveObject(situation, 'StatefulSet', names.etcd(context))
  const size = decideEtcdSize({
    wanted: etcd.replicas,
    current: (live?.spec as { readonly replicas?: number } | undefined)?.replicas,
    etcd: situation.observed.etcd,
    isReady: index => situation.etcdPods.some(pod => pod.index === index && pod.isReady),
    peerUrl: index => etcdPeerUrl(context, index),
    hasLeftVolume: index => claimOf(situation, names.etcdMember(context, index)) !== undefined,
  })
  const { members } = size
  if (size.waitsFor !== undefined) findings.waiting.push(size.waitsFor)
  const indexes = Array.from({ length: members }, (_, index) => index)
  const seats = indexes.map(index => seatOf(situation, index))
  const lost = indexes.filter((_, at) => seats[at]?.isLost === true)
  const isJoining = indexes.some(index => memberAt(situation, index)?.name === '')
  const statefulSet = etcdStatefulSet(context, etcd, members)
  const actions = [
    ...applyAll(situation, findings, [
      etcdService(context),
      etcdStateConfigMap(context, { members, isJoining }),
      withAnnotation(statefulSet, claimsAnnotation, JSON.stringify(rememberedSeats(seats))),
      etcdBudget(context, etcd),
    ]),
    ...size.actions,
    ...(members > 1 ? replaceLost(situation, lost) : []),
    ...removeLeftClaims(situation, members),
    ...rollEtcd(situation),
  ]
  const counted = indexes.filter(index => memberAt(situation, index)?.isLearner !== true)
  const ready = situation.etcdPods.filter(({ isReady, index }) => isReady && counted.includes(index)).length
  const quorum = Math.floor(counted.length / 2) + 1
  const stuck = situation.etcdPods.find(({ problem }) => problem !== undefined)
  if (lost.length > 0 && members === 1) {
    findings.etcdTrouble =
      'The only member of etcd has lost its volume, and with it all metadata; the cluster cannot be brought back from here.'
  } else if (ready < quorum) {
    const why = stuck === undefined ? '' : ` ${stuck.name}: ${stuck.problem}.`
    findings.etcdTrouble = `Of ${counted.length} members of etcd ${ready} are ready, and ${quorum} are needed.${why}`
  }
  if (ready < counted.length) findings.waiting.push(`etcd has ${ready} of ${counted.length} members ready`)
  const isSettled = actions.length === 0 && ready === etcd.replicas
  return { actions, ...(isSettled ? {} : { againAfterMs: 5000 }) }
}

function withAnnotation(object: KubeObject, name: string, value: string): KubeObject {
  const { metadata } = object
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [name]: value } } }
}

/** What is remembered of the member of a number, so that one that comes without its data is known. */
interface Seat {
  readonly index: number
  /** uid of its claim and its id in etcd; undefined: it has never been ready. */
  readonly remembered: { readonly claim: string; readonly member: string } | undefined
  /** Its claim is another one, and it has not joined anew. */
  readonly isLost: boolean
}

function seatOf(situation: Situation, index: number): Seat {
  const { context, etcdPods } = situation
  const before = rememberedAt(situation, index)
  const claim = claimOf(situation, names.etcdMember(context, index))?.metadata.uid
  const listed = memberAt(situation, index)
  const member = listed === undefined || listed.name === '' ? undefined : listed.id
  const now = claim === undefined || member === undefined ? undefined : { claim, member }
  const isReady = etcdPods.some(pod => pod.index === index && pod.isReady)
  if (before === undefined) return { index, remembered: isReady ? now : undefined, isLost: false }
  if (claim === undefined || claim === before.claim) {
    const isUnknown = before.member === '' && isReady && now !== undefined
    return { index, remembered: isUnknown ? now : before, isLost: false }
  }
  // Whoever has another id than the one that was lost has joined with the new claim, ready or not.
  const hasJoined = now !== undefined && (before.member === '' ? isReady : now.member !== before.member)
  return { index, remembered: hasJoined ? now : before, isLost: !hasJoined }
}

function rememberedSeats(seats: readonly Seat[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    seats.flatMap(({ index, remembered }) =>
      remembered === undefined ? [] : [[String(index), `${remembered.claim} ${remembered.member}`.trim()]],
    ),
  )
}

function rememberedAt(situation: Situation, index: number): Seat['remembered'] {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  const claims = parseClaims(live?.metadata.annotations?.[claimsAnnotation])
  const [claim, member = ''] = (claims[String(index)] ?? '').split(' ')
  return claim === undefined || claim === '' ? undefined : { claim, member }
}

function parseClaims(text = '{}'): Claims {
  try {
    return JSON.parse(text) as Claims
  } catch {
    return {}
  }
}

function claimOf(situation: Situation, pod: string): KubeObject | undefined {
  return liveObject(situation, 'PersistentVolumeClaim', `${dataVolume}-${pod}`)
}

function memberAt({ context, observed }: Situation, index: number): EtcdMember | undefined {
  if (observed.etcd.kind !== 'reached') return undefined
  return observed.etcd.members.find(({ peerUrls }) => peerUrls.includes(etcdPeerUrl(context, index)))
}

/** One at a time, and only while the others are a quorum. */
function replaceLost(situation: Situation, lost: readonly number[]): readonly ClusterAction[] {
  const [index] = lost
  const { context, etcdPods } = situation
  if (index === undefined || situation.observed.etcd.kind !== 'reached') return []
  const member = memberAt(situation, index)
  const pod = etcdPods.find(each => each.index === index)
  if (pod?.isReady === true) return []
  const why = `member ${index} of etcd has lost its volume`
  if (member?.name !== '') {
    return [
      {
        kind: 'replaceEtcdMember',
        memberId: member?.id ?? '',
        peerUrl: etcdPeerUrl(context, index),
        why,
      },
    ]
  }
  // It reads how to begin when it starts; one that waits between two attempts is not waited for.
  if (pod?.problem === undefined || pod.isTerminating) return []
  return [{ kind: 'delete', ref: podRef(situation, pod), uid: pod.uid, why }]
}

/** Who was taken off the list can never come back with what it has; one of its number joins as a new one, and needs room. */
function removeLeftClaims(situation: Situation, members: number): readonly ClusterAction[] {
  const { context, observed, etcdPods } = situation
  if (observed.etcd.kind !== 'reached') return []
  const pattern = new RegExp(`^${dataVolume}-${names.etcd(context)}-(\\d+)$`)
  return observed.children.flatMap((child): ClusterAction[] => {
    const index = Number(pattern.exec(child.metadata.name)?.[1] ?? -1)
    if (child.kind !== 'PersistentVolumeClaim' || index < members) return []
    if (child.metadata.deletionTimestamp !== undefined) return []
    if (memberAt(situation, index) !== undefined || etcdPods.some(pod => pod.index === index)) return []
    const { apiVersion, kind, metadata } = child
    const ref = { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
    return [{ kind: 'delete', ref, uid: metadata.uid, why: `member ${index} of etcd has left` }]
  })
}

/** Members that run an older template go one by one, while all are ready. */
function rollEtcd(situation: Situation): readonly ClusterAction[] {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  const { updateRevision, observedGeneration } = (live?.status ?? {}) as {
    readonly updateRevision?: string
    readonly observedGeneration?: number
  }
  if (updateRevision === undefined || observedGeneration !== live?.metadata.generation) return []
  const outdated = situation.etcdPods.filter(({ revision }) => revision !== updateRevision)
  const unready = situation.etcdPods.filter(({ isReady }) => !isReady)
  const next = outdated.find(({ isReady }) => !isReady) ?? (unready.length === 0 ? outdated[0] : undefined)
  if (next === undefined || next.isTerminating) return []
  return [
    { kind: 'delete', ref: podRef(situation, next), uid: next.uid, why: 'it runs an older template of etcd' },
  ]
}

function podRef({ context }: Situation, { name }: PodFacts) {
  return { apiVersion: 'v1', kind: 'Pod', namespace: context.namespace, name }
}
