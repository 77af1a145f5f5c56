/**
 * How many members etcd is to have now, on the way to how many are asked for: one at a time. One that comes is first listed
 * as a learner, which no quorum counts, then started, and promoted when it has caught up; one that goes is taken off the
 * list before its pod is. Pure.
 */
import type { ClusterAction } from './actions.ts'
import type { EtcdMember, ObservedEtcd } from './observed-cluster.ts'

export interface EtcdSizeInput {
  readonly wanted: number
  /** Pods that the StatefulSet has now; undefined before there is one. */
  readonly current: number | undefined
  readonly etcd: ObservedEtcd
  readonly isReady: (index: number) => boolean
  readonly peerUrl: (index: number) => string
  /** Whether a volume of an earlier member of that number is still there. */
  readonly hasLeftVolume: (index: number) => boolean
}

export interface EtcdSizeDecision {
  /** Pods that there are to be. */
  readonly members: number
  readonly actions: readonly ClusterAction[]
  readonly waitsFor: string | undefined
}

export function decideEtcdSize(input: EtcdSizeInput): EtcdSizeDecision {
  const { wanted, current, etcd, isReady, peerUrl } = input
  if (current === undefined || (current === wanted && etcd.kind !== 'reached')) {
    return { members: wanted, actions: [], waitsFor: undefined }
  }
  const waitsFor = current === wanted ? undefined : `the members of etcd become ${wanted}`
  const stay: EtcdSizeDecision = { members: current, actions: [], waitsFor }
  if (etcd.kind !== 'reached') return stay
  const memberAt = (index: number): EtcdMember | undefined =>
    etcd.members.find(({ peerUrls }) => peerUrls.includes(peerUrl(index)))
  const learner = etcd.members.find(({ isLearner }) => isLearner)
  if (learner !== undefined && learner.name !== '') {
    const why = `${learner.name} has joined etcd and is to count`
    return {
      ...stay,
      actions: [change('promote', learner.id, '', why)],
      waitsFor: 'a new member of etcd catches up',
    }
  }
  if (wanted > current) {
    if (memberAt(current) !== undefined) return { ...stay, members: current + 1 }
    const isMember = (index: number): boolean => isReady(index) && (memberAt(index)?.name ?? '') !== ''
    if (!all(current, isMember) || input.hasLeftVolume(current)) return stay
    const why = `etcd is to have ${wanted} members`
    return { ...stay, actions: [change('add', '', peerUrl(current), why)] }
  }
  if (wanted < current) {
    const last = memberAt(current - 1)
    if (last === undefined) return { ...stay, members: current - 1 }
    if (!all(current - 1, isReady)) return stay
    const why = `etcd is to have ${wanted} members`
    return { ...stay, actions: [change('remove', last.id, peerUrl(current - 1), why)] }
  }
  return learner === undefined ? stay : { ...stay, waitsFor: 'a new member of etcd joins' }
}

function change(
  what: 'add' | 'promote' | 'remove',
  memberId: string,
  peerUrl: string,
  why: string,
): ClusterAction {
  return { kind: 'changeEtcdMembers', change: what, memberId, peerUrl, why }
}

function all(count: number, isSo: (index: number) => boolean): boolean {
  return Array.from({ length: count }, (_, index) => index).every(isSo)
}
