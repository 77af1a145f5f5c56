/** What is said of the disks of all brokers. No figures, for those move all the time. Pure. */
import type { ClusterTold } from '../resources/condition-reasons.ts'
import type { Condition } from '../resources/conditions.ts'
import type { ToldStatus } from './observed-cluster.ts'

/** How many names a sentence has room for. */
const mostNamed = 5
/** Shares of a disk: less free is told, and is told until more is free again. */
const lowShare = 0.15
const enoughShare = 0.2

type Directory = ToldStatus['logDirectories'][number] & { readonly broker: number }

export function storageHealth(
  brokers: readonly number[],
  statuses: ReadonlyMap<number, ToldStatus>,
  before: Condition | undefined,
): ClusterTold {
  const type = 'StorageHealthy'
  const directories = brokers.flatMap(broker =>
    (statuses.get(broker)?.logDirectories ?? []).map(directory => ({ ...directory, broker })),
  )
  const failed = directories.filter(({ failure }) => failure !== '')
  if (failed.length > 0) {
    const named = failed.slice(0, mostNamed).map(({ broker, path, failure }) => {
      return `${path} of broker ${broker} (${failure.replace(/\.$/, '')})`
    })
    const message = `Log directories have failed: ${named.join(', ')}${failed.length > mostNamed ? ', …' : ''}. Their replicas are offline until the disk works and the broker is restarted.`
    return { type, status: 'False', reason: 'LogDirectoryFailed', message }
  }
  const full = directories.filter(({ isFull }) => isFull)
  if (full.length > 0) {
    const message = `No room is left on the disks of brokers ${namesOf(full)}: they refuse new records until retention is shortened, topics or records are deleted, or replicas move away.`
    return { type, status: 'False', reason: 'DiskFull', message }
  }
  const silent = brokers.filter(broker => !directories.some(directory => directory.broker === broker))
  // Whoever said that a disk is broken has to say that it is not any more.
  if (before?.status === 'False' && silent.length > 0) return before as ClusterTold
  if (directories.length === 0) {
    const message = 'No broker tells of its disks.'
    return { type, status: 'Unknown', reason: 'BrokersUnreachable', message }
  }
  const least = before?.reason === 'SpaceRunsLow' ? enoughShare : lowShare
  const low = directories.filter(
    ({ usableBytes, totalBytes }) => totalBytes > 0 && usableBytes < totalBytes * least,
  )
  if (low.length > 0) {
    const message = `Little room is left on the disks of brokers ${namesOf(low)}.`
    return { type, status: 'True', reason: 'SpaceRunsLow', message }
  }
  return { type, status: 'True', reason: 'AllGood', message: 'Every log directory works and has room.' }
}

function namesOf(directories: readonly Directory[]): string {
  const brokers = [...new Set(directories.map(({ broker }) => broker))]
  return `${brokers.slice(0, mostNamed).join(', ')}${brokers.length > mostNamed ? ', …' : ''}`
}
