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
import type { PodFacts } from './pods.ts'
import { applyAll, liveObject, type Situation, type Step } from './situation.ts'

/** On the StatefulSet: member → uid of the claim that it had when it joined. */
const claimsAnnotation = 'barnabas.dev/claims'

type Claims = Readonly<Record<string, string>>

export const etcdStep: Step = (situation, findings) => {
  const { context } = situation
  const etcd = managedEtcd(context)
  if (etcd === undefined) return { actions: [] }
  const before = rememberedClaims(situation)
  const lost = lostMembers(situation, before)
  const claims = claimsNow(situation, before, lost)
  const admission = admissionOf(situation, lost, Object.keys(claims).length === etcd.replicas)
  const actions = [
    ...applyAll(situation, findings, [
      etcdService(context),
      etcdAdmissionConfigMap(context, etcd, admission),
      withAnnotation(etcdStatefulSet(context, etcd), claimsAnnotation, JSON.stringify(claims)),
      etcdBudget(context, etcd),
    ]),
    ...(etcd.replicas > 1 ? replaceLost(situation, lost, admission) : []),
    ...rollEtcd(situation, etcd.replicas),
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

function rememberedClaims(situation: Situation): Claims {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  try {
    return JSON.parse(live?.metadata.annotations?.[claimsAnnotation] ?? '{}') as Claims
  } catch {
    return {}
  }
}

/** A member that has joined anew is no lost one any more. */
function claimsNow(situation: Situation, before: Claims, lost: readonly number[]): Claims {
  const current = currentClaims(situation)
  const joined = lost.filter(
    index =>
      current[String(index)] !== undefined &&
      memberAt(situation, index)?.name === names.etcdMember(situation.context, index),
  )
  const anew = joined.map((index): [string, string] => [String(index), current[String(index)] ?? ''])
  return { ...current, ...before, ...Object.fromEntries(anew) }
}

/** Only of members that are ready: what never joined has lost nothing. */
function currentClaims(situation: Situation): Record<string, string> {
  const { context, etcdPods } = situation
  return Object.fromEntries(
    etcdPods.flatMap(({ index, isReady }) => {
      const uid = claimOf(situation, names.etcdMember(context, index))?.metadata.uid
      return uid === undefined || !isReady ? [] : [[String(index), uid]]
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

/** Members that run an older template go one by one, while all are there and ready. */
function rollEtcd(situation: Situation, replicas: number): readonly ClusterAction[] {
  const live = liveObject(situation, 'StatefulSet', names.etcd(situation.context))
  const { updateRevision, observedGeneration } = (live?.status ?? {}) as {
    readonly updateRevision?: string
    readonly observedGeneration?: number
  }
  if (updateRevision === undefined || observedGeneration !== live?.metadata.generation) return []
  // One that was just deleted has no pod for a moment.
  if (situation.etcdPods.length < replicas) return []
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
