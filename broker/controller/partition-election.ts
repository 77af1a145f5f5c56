import type { PartitionImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/keys.ts'

/**
 * Who leads a partition and who is in sync when brokers come and go. Pure; the rules of who may lead:
 *
 * - The leader stays if it is in sync and its process lives on.
 * - Else the first replica, in list order, that is alive and in the in-sync set; if the set is empty, in the
 *   eligible leader replicas (KIP-966); it then is the whole in-sync set.
 * - Else, only where the topic asks for it, the first alive replica (unclean; it starts recovering, KIP-704).
 * - Else nobody (-1).
 *
 * The last members of the in-sync set are never dropped because they fail: they alone have all records.
 * The leader epoch grows with every change of the leader, and when the leader's process was replaced by a new one.
 */
export interface ElectionView {
  /** The broker may lead now. */
  isAlive(brokerId: number): boolean
  /** The process that the partition's state speaks of is gone, whether or not a new one has come. */
  isLost(brokerId: number): boolean
  readonly electsUncleanly: boolean
}

/** The state after all that `view` tells, or null when it stays as it is. */
export function afterBrokerChange(partition: PartitionImage, view: ElectionView): PartitionState | null {
  const leaderLost = partition.leader !== -1 && view.isLost(partition.leader)
  const remaining = partition.isr.filter(id => !view.isLost(id))
  const isUnchanged = remaining.length === partition.isr.length && !leaderLost && partition.leader !== -1
  if (isUnchanged) return null

  const isr = remaining.length === 0 ? partition.isr : remaining
  const elected = elect(partition, isr, view)
  if (elected === null) {
    if (partition.leader === -1 && isr.length === partition.isr.length) return null
    return moved(partition, { leader: -1, isr, recovering: partition.recovering }, partition.leader !== -1)
  }
  const newTerm = elected.leader !== partition.leader || leaderLost
  return moved(partition, elected, newTerm)
}

interface Elected {
  readonly leader: number
  readonly isr: readonly number[]
  readonly recovering: boolean
}

function elect(partition: PartitionImage, isr: readonly number[], view: ElectionView): Elected | null {
  const { leader, replicas, elr, recovering } = partition
  const canLead = (id: number): boolean => isr.includes(id) && view.isAlive(id)
  if (canLead(leader)) return { leader, isr: inSyncWith(leader, isr, view), recovering }

  const next = replicas.find(canLead)
  if (next !== undefined) return { leader: next, isr: inSyncWith(next, isr, view), recovering }

  const eligible = isr.length === 0 ? replicas.find(id => elr.includes(id) && view.isAlive(id)) : undefined
  if (eligible !== undefined) return { leader: eligible, isr: [eligible], recovering }

  const anyone = view.electsUncleanly ? replicas.find(id => view.isAlive(id)) : undefined
  return anyone === undefined ? null : { leader: anyone, isr: [anyone], recovering: true }
}

/** Members whose process was replaced must catch up with the leader before they count again; so must dead ones. */
function inSyncWith(leader: number, isr: readonly number[], view: ElectionView): readonly number[] {
  const members = isr.filter(id => id === leader || (view.isAlive(id) && !view.isLost(id)))
  return members.length === isr.length ? isr : members
}

function moved(partition: PartitionImage, elected: Elected, newTerm: boolean): PartitionState {
  return {
    leader: elected.leader,
    leaderEpoch: newTerm ? partition.leaderEpoch + 1 : partition.leaderEpoch,
    isr: elected.isr,
    replicas: partition.replicas,
    adding: partition.adding,
    removing: partition.removing,
    elr: partition.elr.includes(elected.leader)
      ? partition.elr.filter(id => id !== elected.leader)
      : partition.elr,
    directories: partition.directories,
    recovering: elected.recovering,
    partitionEpoch: partition.partitionEpoch + 1,
  }
}
