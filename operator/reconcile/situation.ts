/** What every step of a reconciliation looks at: what is observed, sorted, and what the steps before it found. Pure. */
import type { KubeObject, ObjectRef } from '../resources/kube-object.ts'
import { type ClusterContext, clusterLabel, names } from '../resources/names.ts'
import type { ClusterAction } from './actions.ts'
import { isAsDesired, marked } from './differences.ts'
import type { ObservedCluster } from './observed-cluster.ts'
import { type PodFacts, podFacts } from './pods.ts'
import type { ScaleDecision } from './scaling.ts'
import type { Consent, RollDecision } from './rolling-restart.ts'
import type { ThrottleDecision } from './throttle.ts'

export interface Situation {
  readonly context: ClusterContext
  readonly observed: ObservedCluster
  readonly brokerPods: readonly PodFacts[]
  readonly etcdPods: readonly PodFacts[]
}

/** What is found on the way, for later steps and for the status. */
export interface Findings {
  scale?: ScaleDecision
  throttle?: ThrottleDecision
  /** Ids that there are to be now. */
  brokers: readonly number[]
  settingsName: string
  /** What brokers would have to be restarted for once more, and is likely to be known soon: a sentence. */
  awaitedAddress: string | undefined
  /** Broker → why it is to be restarted. */
  reasons: ReadonlyMap<number, string>
  /** Member of etcd → why it is to be restarted. */
  etcdReasons: ReadonlyMap<number, string>
  roll?: RollDecision
  consent: Consent
  listeners: {
    readonly name: string
    readonly bootstrap: string | undefined
    readonly addresses: readonly string[]
  }[]
  /** What is waited for that is no trouble, in sentences. */
  waiting: string[]
  /** What is wrong and does not go away by itself, in sentences. */
  trouble: string[]
  etcdTrouble: string | undefined
  /** Names of objects that are to be there, besides pods and claims: "Kind/name". */
  wanted: Set<string>
}

export interface StepResult {
  readonly actions: readonly ClusterAction[]
  /** Nothing after this makes sense yet. */
  readonly stop?: boolean
  /** To be looked at again after this time. */
  readonly againAfterMs?: number
}

export type Step = (situation: Situation, findings: Findings) => StepResult

export function situationOf(context: ClusterContext, observed: ObservedCluster): Situation {
  const pods = observed.children.filter(({ kind }) => kind === 'Pod')
  const of = (owner: string): PodFacts[] =>
    pods
      .filter(({ metadata }) => new RegExp(`^${owner}-\\d+$`).test(metadata.name))
      .map(podFacts)
      .sort((a, b) => a.index - b.index)
  return { context, observed, brokerPods: of(names.brokers(context)), etcdPods: of(names.etcd(context)) }
}

export function newFindings(): Findings {
  return {
    brokers: [],
    settingsName: '',
    awaitedAddress: undefined,
    reasons: new Map(),
    etcdReasons: new Map(),
    consent: { mode: 'OnDelete', planHash: '', approvedHash: undefined },
    listeners: [],
    waiting: [],
    trouble: [],
    etcdTrouble: undefined,
    wanted: new Set(),
  }
}

export function liveObject({ observed }: Situation, kind: string, name: string): KubeObject | undefined {
  return observed.children.find(child => child.kind === kind && child.metadata.name === name)
}

/** Writes those that are not as they should be, and remembers all as wanted. */
export function applyAll(
  situation: Situation,
  findings: Findings,
  desired: readonly KubeObject[],
): readonly ClusterAction[] {
  return desired.flatMap((object): ClusterAction[] => {
    findings.wanted.add(`${object.kind}/${object.metadata.name}`)
    const live = liveObject(situation, object.kind, object.metadata.name)
    return isAsDesired(live, object) ? [] : [{ kind: 'apply', object: marked(object) }]
  })
}

export function podRef({ context }: Situation, { name }: PodFacts): ObjectRef {
  return { apiVersion: 'v1', kind: 'Pod', namespace: context.namespace, name }
}

export function isOwnChild({ context }: Situation, { metadata }: KubeObject): boolean {
  return (
    metadata.labels?.[clusterLabel] === context.name &&
    metadata.ownerReferences?.some(({ uid }) => uid === context.uid) === true
  )
}
