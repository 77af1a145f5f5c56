/**
 * The steps that look after an etcd of the cluster's own. A member whose volume is lost is replaced: it cannot come back
 * as what it was, so it is taken out of the others' list and joins them as a new one. Pure.
 */
import { managedEtcd } from '../desired/broker-settings.ts'
import {
  type EtcdAdmission,
  etcdAdmissionConfigMap,
  etcdBudget,
  etcdPeerUrl,
  etcdService,
  etcdStatefulSet,
} from '../desired/etcd.ts'
import { dataVolume, names } from '../resources/names.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { ClusterAction } from './actions.ts'
import type { EtcdMember } from './observed-cluster.ts'
import { applyAll, liveObject, podRef, type Situation, type Step } from './situation.ts'

/** On the StatefulSet: number of a member → uid of the claim that it had when it joined, and its id in etcd. */
const claimsAnnotation = 'barnabas.dev/claims'

type Claims = Readonly<Record<string, string>>

export const etcdStep: Step = (situation, findings) => {
  const { context } = situation
  const etcd = managedEtcd(context)
  if (etcd === undefined) return { actions: [] }
  const seats = Array.from({ length: etcd.replicas }, (_, index) => seatOf(situation, index))
  const lost = seats.filter(({ isLost }) => isLost).map(({ index }) => index)
  const isFormed = seats.every(({ remembered }) => remembered !== undefined)
  const admission = admissionOf(situation, lost, isFormed)
  const actions = [
    ...applyAll(situation, findings, [
      etcdService(context),
      etcdAdmissionConfigMap(context, etcd, admission),
      withAnnotation(etcdStatefulSet(context, etcd), claimsAnnotation, JSON.stringify(textOf(seats))),
      etcdBudget(context, etcd),
    ]),
    ...(etcd.replicas > 1 ? replaceLost(situation, lost, admission) : []),
  ]
  const ready = situation.etcdPods.filter(({ isReady }) => isReady).length
  findings.etcdTrouble = troubleOf(situation, { replicas: etcd.replicas, ready, lost })
  if (ready < etcd.replicas) findings.waiting.push(`etcd has ${ready} of ${etcd.replicas} members ready`)
  return { actions, ...(actions.length > 0 || ready < etcd.replicas ? { againAfterMs: 5000 } : {}) }
}

/** Members come with their data, but for the first time, and for one that the others were told of. */
function admissionOf(situation: Situation, lost: readonly number[], isFormed: boolean): EtcdAdmission {
  if (!isFormed) return 'forming'
  const joining = lost.find(index => memberAt(situation, index)?.name === '')
  return joining === undefined ? 'formed' : { joining }
}

function troubleOf(
  { etcdPods }: Situation,
  {
    replicas,
    ready,
    lost,
  }: { readonly replicas: number; readonly ready: number; readonly lost: readonly number[] },
): string | undefined {
  const quorum = Math.floor(replicas / 2) + 1
  if (replicas - lost.length < quorum) {
    const who =
      replicas === 1
        ? 'The only member of etcd has lost its volume, and with it all metadata'
        : `Members ${lost.join(', ')} of etcd have lost their volumes, and those that are left are too few to go on`
    return `${who}; the cluster cannot be brought back from here.`
  }
  if (ready >= quorum) return undefined
  const stuck = etcdPods.find(({ problem }) => problem !== undefined)
  const why = stuck === undefined ? '' : ` ${stuck.name}: ${stuck.problem}.`
  return `Of ${replicas} members of etcd ${ready} are ready, and ${quorum} are needed.${why}`
}

function withAnnotation(object: KubeObject, name: string, value: string): KubeObject {
  const { metadata } = object
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [name]: value } } }
}

/** What is remembered of the member of a number, so that one that comes without its data is known. */
interface Seat {
  readonly index: number
  /** uid of its claim, and its id in etcd (empty: not known); undefined: it has never been ready. */
  readonly remembered: { readonly claim: string; readonly member: string } | undefined
  /** Its claim is another one, and it has not joined anew. */
  readonly isLost: boolean
}

function seatOf(situation: Situation, index: number): Seat {
  const { context, etcdPods } = situation
  const before = rememberedAt(situation, index)
  const claim = claimOf(situation, names.etcdMember(context, index))?.metadata.uid
  const listed = memberAt(situation, index)
  const member = listed?.name === names.etcdMember(context, index) ? listed.id : ''
  const isReady = etcdPods.some(pod => pod.index === index && pod.isReady)
  const now = claim === undefined ? undefined : { claim, member }
  // What never joined has lost nothing.
  if (before === undefined) return { index, remembered: isReady ? now : undefined, isLost: false }
  if (now === undefined || claim === before.claim) {
    const isNews = before.member === '' && isReady && now !== undefined
    return { index, remembered: isNews ? now : before, isLost: false }
  }
  // Whoever has another id than the one that was lost has joined with the new claim, though it may not serve yet.
  const hasJoined = member !== '' && (before.member === '' ? isReady : member !== before.member)
  return { index, remembered: hasJoined ? now : before, isLost: !hasJoined }
}

function textOf(seats: readonly Seat[]): Claims {
  return Object.fromEntries(
    seats.flatMap(({ index, remembered }) =>
      remembered === undefined ? [] : [[String(index), `${remembered.claim} ${remembered.member}`.trim()]],
    ),
  )
}

function rememberedAt(situation: Situation, index: number): Seat['remembered'] {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  const claims = parseClaims(live?.metadata.annotations?.[claimsAnnotation])
  const [claim = '', member = ''] = (claims[String(index)] ?? '').split(' ')
  return claim === '' ? undefined : { claim, member }
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

/** One at a time; etcd tells and takes nothing while those that are left are no quorum. */
function replaceLost(
  situation: Situation,
  lost: readonly number[],
  admission: EtcdAdmission,
): readonly ClusterAction[] {
  if (situation.observed.etcd.kind !== 'reached') return []
  if (typeof admission === 'object') return startAgain(situation, admission.joining)
  const { context, etcdPods } = situation
  const [index] = lost
  if (index === undefined || etcdPods.some(pod => pod.index === index && pod.isReady)) return []
  const memberId = memberAt(situation, index)?.id ?? ''
  const why = `member ${index} of etcd has lost its volume`
  return [{ kind: 'replaceEtcdMember', memberId, peerUrl: etcdPeerUrl(context, index), why }]
}

/** It reads how to begin when it starts; one that waits between two attempts is not waited for. */
function startAgain(situation: Situation, index: number): readonly ClusterAction[] {
  const pod = situation.etcdPods.find(each => each.index === index)
  if (pod?.problem === undefined || pod.isTerminating) return []
  const why = `member ${index} of etcd may join now`
  return [{ kind: 'delete', ref: podRef(situation, pod), uid: pod.uid, why }]
}
