/**
 * The steps that look after an etcd of the cluster's own. A member whose volume is lost is replaced: it cannot come back
 * as what it was, so it is taken out of the others' list and joins them as a new one. Pure.
 */
import { managedEtcd } from '../desired/broker-settings.ts'
import { etcdBudget, etcdPeerUrl, etcdService, etcdStatefulSet } from '../desired/etcd.ts'
import { childMetadata, dataVolume, names } from '../resources/names.ts'
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
  const joining = lost.filter(index => memberAt(situation, index)?.name === '')
  const statefulSet = etcdStatefulSet(context, etcd)
  const claims = { ...currentClaims(situation), ...before }
  // A member that has joined anew is no lost one any more.
  for (const index of Object.keys(before).map(Number)) {
    const member = memberAt(situation, index)
    const isBack = lost.includes(index) && situation.etcdPods.some(pod => pod.index === index && pod.isReady)
    if (isBack && member?.name === names.etcdMember(context, index)) {
      claims[String(index)] = currentClaims(situation)[String(index)] ?? ''
    }
  }
  const actions = [
    ...applyAll(situation, findings, [
      etcdService(context),
      etcdStateConfigMap(situation, joining.length > 0),
      withAnnotation(statefulSet, claimsAnnotation, JSON.stringify(claims)),
      etcdBudget(context, etcd),
    ]),
    ...(etcd.replicas > 1 ? replaceLost(situation, lost) : []),
    ...rollEtcd(situation),
  ]
  const ready = situation.etcdPods.filter(({ isReady }) => isReady).length
  const quorum = Math.floor(etcd.replicas / 2) + 1
  const stuck = situation.etcdPods.find(({ problem }) => problem !== undefined)
  if (lost.length > 0 && etcd.replicas === 1) {
    findings.etcdTrouble =
      'The only member of etcd has lost its volume, and with it all metadata; the cluster cannot be brought back from here.'
  } else if (ready < quorum) {
    const why = stuck === undefined ? '' : ` ${stuck.name}: ${stuck.problem}.`
    findings.etcdTrouble = `Of ${etcd.replicas} members of etcd ${ready} are ready, and ${quorum} are needed.${why}`
  }
  if (ready < etcd.replicas) findings.waiting.push(`etcd has ${ready} of ${etcd.replicas} members ready`)
  return { actions, ...(actions.length > 0 || ready < etcd.replicas ? { againAfterMs: 5000 } : {}) }
}

/** Whether members that have no data begin a new cluster or join one that is there: read when they start. */
function etcdStateConfigMap({ context }: Situation, isJoining: boolean): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMetadata(context, names.etcd(context), 'etcd'),
    data: { state: isJoining ? 'existing' : 'new' },
  }
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

/** Only of members that were ready: what never joined has lost nothing. */
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
