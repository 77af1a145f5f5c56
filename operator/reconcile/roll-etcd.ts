/**
 * Which members of etcd run an older template, and which of them goes next: one by one, while all are there and ready, and
 * held back by the same rule as restarts of brokers. Pure.
 */
import { managedEtcd } from '../desired/broker-settings.ts'
import { names } from '../resources/names.ts'
import { isHeldBack } from './rolling-restart.ts'
import { liveObject, podRef, type Situation, type Step } from './situation.ts'
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

export const rollEtcdStep: Step = (situation, { etcdReasons, consent }) => {
  const { context, etcdPods } = situation
  if (isHeldBack(consent)) return { actions: [] }
  // One that was just deleted has no pod for a moment.
  if (etcdPods.length < (managedEtcd(context)?.replicas ?? 0)) return { actions: [] }
  if (etcdPods.some(({ isTerminating }) => isTerminating)) return { actions: [] }
  const outdated = etcdPods.filter(({ index }) => etcdReasons.has(index))
  const areAllReady = etcdPods.every(({ isReady }) => isReady)
  const next = outdated.find(({ isReady }) => !isReady) ?? (areAllReady ? outdated[0] : undefined)
  if (next === undefined) return { actions: [] }
  const why = etcdReasons.get(next.index) ?? ''
  return {
    actions: [{ kind: 'delete', ref: podRef(situation, next), uid: next.uid, why }],
    againAfterMs: 5000,
  }
}
