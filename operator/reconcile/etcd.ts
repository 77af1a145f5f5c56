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

/** On the StatefulSet: member → uid of the claim that it had when it joined. */
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
  const before = rememberedClaims(situation, members)
  const lost = lostMembers(situation, before)
  const indexes = Array.from({ length: members }, (_, index) => index)
  const isJoining = indexes.some(index => memberAt(situation, index)?.name === '')
  const statefulSet = etcdStatefulSet(context, etcd, members)
  const claims = { ...currentClaims(situation, members), ...before }
  // A member that has joined anew is no lost one any more.
  for (const index of Object.keys(before).map(Number)) {
    const member = memberAt(situation, index)
    const isBack = lost.includes(index) && situation.etcdPods.some(pod => pod.index === index && pod.isReady)
    if (isBack && member?.name === names.etcdMember(context, index)) {
      claims[String(index)] = currentClaims(situation, members)[String(index)] ?? ''
    }
  }
  const actions = [
    ...applyAll(situation, findings, [
      etcdService(context),
      etcdStateConfigMap(context, { members, isJoining }),
      withAnnotation(statefulSet, claimsAnnotation, JSON.stringify(claims)),
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

/** Of those members that there are to be. */
function rememberedClaims(situation: Situation, members: number): Claims {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  try {
    const all = JSON.parse(live?.metadata.annotations?.[claimsAnnotation] ?? '{}') as Claims
    return Object.fromEntries(Object.entries(all).filter(([index]) => Number(index) < members))
  } catch {
    return {}
  }
}

/** Only of members that were ready: what never joined has lost nothing. */
function currentClaims(situation: Situation, members: number): Record<string, string> {
  const { context, etcdPods } = situation
  return Object.fromEntries(
    etcdPods.flatMap(({ index, isReady }) => {
      const uid = claimOf(situation, names.etcdMember(context, index))?.metadata.uid
      return uid === undefined || !isReady || index >= members ? [] : [[String(index), uid]]
    }),
  )
}

function claimOf(situation: Situation, pod: string): KubeObject | undefined {
  return liveObject(situation, 'PersistentVolumeClaim', `${dataVolume}-${pod}`)
}

function lostMembers(situation: Situation, before: Claims): readonly number[] {
  return Object.entries(before).flatMap(([index, uid]) => {
    const claim = claimOf(situation, names.etcdMember(situation.context, Number(index)))
    return claim?.metadata.uid !== undefined && claim.metadata.uid !== uid ? [Number(index)] : []
  })
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
