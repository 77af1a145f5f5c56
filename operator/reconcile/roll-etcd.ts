/**
 * Which members of etcd run an older template, and which of them goes next: one by one, while all are there and ready, no
 * other one comes or goes and no broker is away, and held back by the same rule as restarts of brokers. Pure.
 */
import { managedEtcd } from '../desired/broker-settings.ts'
import { names } from '../resources/names.ts'
import { isHeldBack } from './rolling-restart.ts'
import { type Findings, liveObject, podRef, type Situation, type Step } from './situation.ts'
import { imageChange, otherTemplate, wantedRevision } from './templates.ts'

/** Member → why it is to be restarted. */
export function etcdRestartReasons(situation: Situation): ReadonlyMap<number, string> {
  const { context, etcdPods } = situation
  const live = liveObject(situation, 'StatefulSet', names.etcd(context))
  const revision = wantedRevision(live)
  if (revision === undefined || managedEtcd(context) === undefined) return new Map()
  const outdated = etcdPods.filter(pod => !pod.isTerminating && pod.revision !== revision)
  return new Map(outdated.map(pod => [pod.index, imageChange(live, pod) ?? otherTemplate]))
}

/** Why no broker may be restarted because of etcd: brokers whose etcd is away cannot let others take over. */
export function waitsForEtcd(
  { etcdPods }: Situation,
  { etcdReasons, etcdMembers }: Findings,
): string | undefined {
  const outdated = etcdPods.filter(({ index }) => etcdReasons.has(index))
  if (outdated.length > 0) return `brokers restart after etcd: ${outdated.map(({ name }) => name).join(', ')}`
  const ready = etcdPods.filter(({ isReady, isTerminating }) => isReady && !isTerminating).length
  return ready * 2 > etcdMembers.length || etcdMembers.length === 0 ? undefined : 'etcd has no quorum'
}

/** One that is being restarted, by us or by itself. */
function isBrokerAway({ brokerPods, observed }: Situation): boolean {
  return observed.heldGrant !== undefined || brokerPods.some(({ isTerminating }) => isTerminating)
}

export const rollEtcdStep: Step = (situation, findings) => {
  const { etcdPods } = situation
  const { etcdReasons, etcdMembers, etcdUnderWay, consent } = findings
  if (isHeldBack(consent)) return { actions: [] }
  // One that was just deleted has no pod for a moment.
  if (etcdPods.length < etcdMembers.length) return { actions: [] }
  if (etcdPods.some(({ isTerminating }) => isTerminating)) return { actions: [] }
  const outdated = etcdPods.filter(({ index }) => etcdReasons.has(index))
  const mayOneGo =
    etcdUnderWay === undefined && !isBrokerAway(situation) && etcdPods.every(({ isReady }) => isReady)
  const next = outdated.find(({ isReady }) => !isReady) ?? (mayOneGo ? outdated[0] : undefined)
  if (next === undefined) return { actions: [] }
  const why = etcdReasons.get(next.index) ?? ''
  return {
    actions: [{ kind: 'delete', ref: podRef(situation, next), uid: next.uid, why }],
    againAfterMs: 5000,
  }
}
