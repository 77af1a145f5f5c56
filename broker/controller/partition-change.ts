import type { Uuid } from '../../protocol/index.ts'
import type { PartitionImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/keys.ts'
import { directoriesAfter } from './replica-directories.ts'

/**
 * The one way from a partition's state to its next one: whoever asks for other members, replicas or leaders says so in
 * an edit, and what follows from it is decided here. Pure; the steps:
 *
 * 1. A reassignment whose target replicas are all in sync is finished: the removed ones go (KIP-455).
 * 2. Members that leave the in-sync set while it is smaller than min.insync.replicas stay eligible leaders (KIP-966):
 *    the high watermark stands still meanwhile, so they have all that it covers. One that came back from an unclean
 *    stop may have lost records and is not eligible. Without the feature the last members are never dropped.
 * 3. The leader stays if it may; else the first replica, in list order, that is in the in-sync set, or, where that is
 *    empty, eligible; else the leader before all were lost; else, only where it is asked for, anyone; else nobody.
 *
 * Leader epochs grow with every change of the leader, when its process was replaced, and when replicas are removed;
 * partition epochs with every change.
 */
export function changePartition(
  partition: PartitionImage,
  edit: PartitionEdit,
  view: PartitionView,
): PartitionState | null {
  const members = withFinishedReassignment(partition, edit)
  const after = elect(partition, members, edit, view)
  const isRemoval = partition.replicas.some(id => !members.replicas.includes(id))
  const isNewTerm = after.leader !== partition.leader || edit.isNewTerm === true || isRemoval
  const next: PartitionState = {
    leader: after.leader,
    leaderEpoch: isNewTerm ? partition.leaderEpoch + 1 : partition.leaderEpoch,
    isr: sameOrNew(after.isr, partition.isr, members.replicas),
    replicas: members.replicas,
    adding: members.adding,
    removing: members.removing,
    elr: after.elr,
    lastKnownLeader: lastKnownLeader(partition, after, edit),
    directories: edit.directories ?? directoriesAfter(partition, members.replicas, view),
    recovering: after.recovering,
    partitionEpoch: partition.partitionEpoch + 1,
  }
  return isSame(partition, next) ? null : next
}

/** What is asked for; whatever is absent stays as it is. */
export interface PartitionEdit {
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly adding?: readonly number[]
  readonly removing?: readonly number[]
  readonly directories?: PartitionState['directories']
  readonly recovering?: boolean
  /** Who came back from an unclean stop: what they have is not to be relied on. */
  readonly isUnclean?: (brokerId: number) => boolean
  /** `preferred`: the first replica, if it may. `unclean`: anyone who is there, if nobody else may. */
  readonly election?: 'preferred' | 'unclean'
  /** Whose records are gone with their disk. */
  readonly isGone?: (brokerId: number) => boolean
  /** The leader's process was replaced by another. */
  readonly isNewTerm?: boolean
}

/** What is so around the partition. */
export interface PartitionView {
  /** The broker may be made leader: it is here, stays, and has its disk. */
  canLead(brokerId: number): boolean
  /** The broker may go on as leader. */
  canStay(brokerId: number): boolean
  /** unclean.leader.election.enable */
  readonly electsUncleanly: boolean
  /** min.insync.replicas */
  readonly minInsyncReplicas: number
  /** Whether eligible leader replicas are kept (eligible.leader.replicas.version). */
  readonly keepsEligible: boolean
  /** The directory that a new replica on the broker is in; undefined while that is open. */
  readonly directoryOf: (brokerId: number) => Uuid | undefined
}

/** How a partition came by its leader, for whoever tells and counts it; null when no leader was elected. */
export type ElectionKind = 'clean' | 'eligible' | 'last known leader' | 'unclean'

export function electionKind(before: PartitionImage, after: PartitionState): ElectionKind | null {
  const isSameLeader = after.leader === before.leader
  if (after.leader === -1 || (isSameLeader && (!after.recovering || before.recovering))) return null
  if (after.recovering && !before.recovering)
    return lastLeader(before) === after.leader ? 'last known leader' : 'unclean'
  return before.isr.includes(after.leader) ? 'clean' : 'eligible'
}

interface Members {
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

function withFinishedReassignment(partition: PartitionImage, edit: PartitionEdit): Members {
  const { replicas = partition.replicas, adding = partition.adding, removing = partition.removing } = edit
  const isr = (edit.isr ?? partition.isr).filter(id => replicas.includes(id))
  if (adding.length + removing.length === 0) return { isr, replicas, adding, removing }
  const target = replicas.filter(id => !removing.includes(id))
  if (!target.every(id => isr.includes(id))) return { isr, replicas, adding, removing }
  return { isr: isr.filter(id => target.includes(id)), replicas: target, adding: [], removing: [] }
}

interface Elected {
  readonly leader: number
  readonly isr: readonly number[]
  readonly elr: readonly number[]
  readonly recovering: boolean
}

function elect(
  partition: PartitionImage,
  { isr, replicas }: Members,
  edit: PartitionEdit,
  view: PartitionView,
): Elected {
  const recovering = edit.recovering ?? partition.recovering
  const elr = eligibleAfter(partition, isr, replicas, edit, view)
  // Whoever has the records: the in-sync set; when it is empty, the eligible, or (without them) the last members.
  const held = partition.isr.length > 0 ? partition.isr : partition.elr
  const lastMembers = view.keepsEligible ? elr : held.filter(id => replicas.includes(id))
  const candidates = isr.length > 0 ? isr : lastMembers

  const leader = candidate(partition, replicas, candidates, edit, view)
  if (leader !== undefined) {
    const inSync = isr.length > 0 ? isr : [leader]
    const isEnough = inSync.length >= Math.min(view.minInsyncReplicas, replicas.length)
    return { leader, isr: inSync, elr: isEnough ? [] : without(elr, leader), recovering }
  }
  const uncleanLeader = uncleanCandidate(partition, replicas, candidates, edit, view)
  if (uncleanLeader !== undefined)
    return { leader: uncleanLeader, isr: [uncleanLeader], elr: [], recovering: true }
  return { leader: -1, isr: view.keepsEligible || isr.length > 0 ? isr : lastMembers, elr, recovering }
}

function eligibleAfter(
  partition: PartitionImage,
  isr: readonly number[],
  replicas: readonly number[],
  { isUnclean }: PartitionEdit,
  { keepsEligible, minInsyncReplicas }: PartitionView,
): readonly number[] {
  if (!keepsEligible || isr.length >= Math.min(minInsyncReplicas, replicas.length)) return []
  const candidates = new Set([...partition.elr, ...partition.isr])
  const eligible = [...candidates].filter(
    id => !isr.includes(id) && replicas.includes(id) && isUnclean?.(id) !== true,
  )
  return isEqual(eligible, partition.elr) ? partition.elr : eligible
}

function candidate(
  partition: PartitionImage,
  replicas: readonly number[],
  candidates: readonly number[],
  { election }: PartitionEdit,
  view: PartitionView,
): number | undefined {
  const isCandidate = (id: number): boolean => candidates.includes(id) && view.canLead(id)
  const [preferred] = replicas
  if (election === 'preferred' && preferred !== undefined && isCandidate(preferred)) return preferred
  const { leader } = partition
  if (candidates.includes(leader) && view.canStay(leader)) return leader
  return replicas.find(isCandidate)
}

function uncleanCandidate(
  partition: PartitionImage,
  replicas: readonly number[],
  candidates: readonly number[],
  { election, isGone }: PartitionEdit,
  view: PartitionView,
): number | undefined {
  const last = lastLeader(partition)
  if (
    isGone?.(last) !== true &&
    view.keepsEligible &&
    candidates.length === 0 &&
    replicas.includes(last) &&
    view.canLead(last)
  )
    return last
  if (!view.electsUncleanly && election !== 'unclean') return undefined
  return replicas.find(id => view.canLead(id))
}

function lastKnownLeader(partition: PartitionImage, after: Elected, { isGone }: PartitionEdit): number {
  const last = lastLeader(partition)
  return after.leader !== -1 || after.isr.length > 0 || isGone?.(last) === true ? -1 : last
}

function lastLeader({ leader, lastKnownLeader }: PartitionImage): number {
  return leader === -1 ? lastKnownLeader : leader
}

function without(ids: readonly number[], id: number): readonly number[] {
  return ids.includes(id) ? ids.filter(other => other !== id) : ids
}

/** Tens of thousands of partitions share few lists: an equal one is not kept twice. */
function sameOrNew(
  ids: readonly number[],
  before: readonly number[],
  replicas: readonly number[],
): readonly number[] {
  if (isEqual(ids, before)) return before
  return isEqual(ids, replicas) ? replicas : ids
}

function isSame(before: PartitionImage, after: PartitionState): boolean {
  return (
    before.leader === after.leader &&
    before.leaderEpoch === after.leaderEpoch &&
    before.recovering === after.recovering &&
    before.lastKnownLeader === after.lastKnownLeader &&
    isEqual(before.isr, after.isr) &&
    isEqual(before.elr, after.elr) &&
    isEqual(before.replicas, after.replicas) &&
    isEqual(before.adding, after.adding) &&
    isEqual(before.removing, after.removing) &&
    isEqual(before.directories, after.directories)
  )
}

function isEqual<T>(one: readonly T[], other: readonly T[]): boolean {
  return one === other || (one.length === other.length && one.every((item, at) => item === other[at]))
}
