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
import { names } from '../resources/names.ts'
import type { EtcdMemberStatus } from '../resources/cluster-status.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { ClusterAction } from './actions.ts'
import { claimsAnnotation, hasVote, memberAt, podAt, type Seat, seatsOf, textOf } from './etcd-seats.ts'
import {
  changeMembers,
  changeSize,
  promoteLearner,
  sizeAnnotation,
  sizeBefore,
  sizeNow,
} from './etcd-size.ts'
import { applyAll, podRef, type Situation, type Step } from './situation.ts'

export const etcdStep: Step = (situation, findings) => {
  const { context } = situation
  const etcd = managedEtcd(context)
  if (etcd === undefined) return { actions: [] }
  const wanted = etcd.replicas
  const before = sizeBefore(situation, wanted)
  const isFormed = seatsOf(situation, before).every(({ remembered }) => remembered !== undefined)
  const size = isFormed ? sizeNow(situation, before, wanted) : before
  const seats = seatsOf(situation, size, isFormed ? before : size)
  const staying = seats.filter(({ index }) => index < wanted || index < size - 1)
  const admission = admissionOf(situation, seats, isFormed)
  const { actions: changes, underWay, trouble } = changeSize(situation, { seats, wanted, isFormed })
  const statefulSet = withAnnotations(etcdStatefulSet(context, etcd, size), {
    [claimsAnnotation]: textOf(seats),
    [sizeAnnotation]: String(size),
  })
  const actions = [
    ...applyAll(situation, findings, [
      etcdService(context),
      etcdAdmissionConfigMap(context, size, admission),
      statefulSet,
      etcdBudget(context, seats.filter(hasVote).length),
    ]),
    ...(size > 1 ? replaceLost(situation, staying, admission) : []),
    ...promoteLearner(situation, staying),
    ...changes,
  ]
  const ready = seats.filter(({ index }) => podAt(situation, index)?.isReady === true).length
  findings.etcdMembers = seats.map(seat => statusOf(situation, seat, wanted))
  findings.etcdTrouble = troubleOf(situation, seats)
  findings.etcdUnderWay = underWay
  if (ready < size) findings.waiting.push(`etcd has ${ready} of ${size} members ready`)
  if (underWay !== undefined) findings.waiting.push(underWay)
  if (trouble !== undefined) findings.trouble.push(trouble)
  const isBusy = actions.length > 0 || ready < size || underWay !== undefined
  return { actions, ...(isBusy ? { againAfterMs: 5000 } : {}) }
}

/** Members come with their data, but for the first time, and for one that the others were told of. */
function admissionOf(situation: Situation, seats: readonly Seat[], isFormed: boolean): EtcdAdmission {
  if (!isFormed) return 'forming'
  const joining = seats.find(
    seat => (seat.isLost || !hasVote(seat)) && memberAt(situation, seat.index)?.name === '',
  )
  return joining === undefined ? 'formed' : { joining: joining.index }
}

function troubleOf(situation: Situation, seats: readonly Seat[]): string | undefined {
  const votes = seats.filter(hasVote)
  const lost = votes.filter(({ isLost }) => isLost).map(({ index }) => index)
  const ready = votes.filter(({ index }) => podAt(situation, index)?.isReady === true)
  const quorum = Math.floor(votes.length / 2) + 1
  if (votes.length - lost.length < quorum) {
    const who =
      votes.length === 1
        ? 'The only member of etcd has lost its volume, and with it all metadata'
        : `Members ${lost.join(', ')} of etcd have lost their volumes, and those that are left are too few to go on`
    return `${who}; the cluster cannot be brought back from here.`
  }
  if (ready.length >= quorum) return undefined
  const stuck = situation.etcdPods.find(({ problem }) => problem !== undefined)
  const why = stuck === undefined ? '' : ` ${stuck.name}: ${stuck.problem}.`
  return `Of ${votes.length} members of etcd ${ready.length} are ready, and ${quorum} are needed.${why}`
}

function statusOf(situation: Situation, seat: Seat, wanted: number): EtcdMemberStatus {
  const { index, isLost } = seat
  const pod = podAt(situation, index)
  const state = (): EtcdMemberStatus['state'] => {
    if (index >= wanted) return 'Leaving'
    if (isLost) return 'Lost'
    const isRefused = pod === undefined && situation.observed.refusedPods.has(names.etcd(situation.context))
    if (pod?.problem !== undefined || isRefused) return 'Failed'
    if (!hasVote(seat)) return 'Joining'
    return pod?.isReady === true ? 'Ready' : 'Starting'
  }
  return { pod: names.etcdMember(situation.context, index), state: state() }
}

function withAnnotations(object: KubeObject, more: Readonly<Record<string, string>>): KubeObject {
  const { metadata } = object
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, ...more } } }
}

/** One at a time; etcd tells and takes nothing while those that are left are no quorum. */
function replaceLost(
  situation: Situation,
  seats: readonly Seat[],
  admission: EtcdAdmission,
): readonly ClusterAction[] {
  if (situation.observed.etcd.kind !== 'reached') return []
  if (typeof admission === 'object') {
    return startAgain(
      situation,
      seats.find(({ index, isLost }) => isLost && index === admission.joining),
    )
  }
  const { context } = situation
  const lost = seats.find(({ isLost }) => isLost)
  if (lost === undefined || podAt(situation, lost.index)?.isReady === true) return []
  const { index } = lost
  const memberId = memberAt(situation, index)?.id ?? ''
  const peerUrl = etcdPeerUrl(context, index)
  const change = { kind: 'replace', memberId, peerUrl, isLearner: !hasVote(lost) } as const
  return [changeMembers(change, `member ${index} of etcd has lost its volume`)]
}

/** It reads how to begin when it starts; one that tried before it might, and waits now, is not waited for. */
function startAgain(situation: Situation, lost: Seat | undefined): readonly ClusterAction[] {
  const pod = lost === undefined ? undefined : podAt(situation, lost.index)
  if (pod === undefined || !pod.endsAgain || pod.isTerminating) return []
  const why = `member ${pod.index} of etcd may join now`
  return [{ kind: 'delete', ref: podRef(situation, pod), uid: pod.uid, why }]
}
