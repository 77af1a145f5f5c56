import { type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { BrokerImage, MetadataImage, PartitionImage } from '../metadata/image.ts'

/**
 * In which log directory a partition's replicas are (KIP-858): one id per replica, zero while it is not known. A list
 * of nothing but zeros is left out.
 */
export function directoriesOf(
  replicas: readonly number[],
  directoryOf: (brokerId: number) => Uuid | undefined,
): readonly Uuid[] {
  const directories = replicas.map(id => directoryOf(id) ?? zeroUuid)
  return directories.every(id => id === zeroUuid) ? [] : directories
}

/** Replicas that stay keep their directory; new ones are where `directoryOf` says. */
export function directoriesAfter(
  partition: PartitionImage,
  replicas: readonly number[],
  { directoryOf }: { readonly directoryOf: (brokerId: number) => Uuid | undefined },
): readonly Uuid[] {
  if (replicas === partition.replicas) return partition.directories
  return directoriesOf(replicas, id => {
    const at = partition.replicas.indexOf(id)
    return at === -1 ? directoryOf(id) : partition.directories[at]
  })
}

/** A broker with one directory has all its replicas there; with several it chooses itself, and reports it. */
export function onlyDirectoryOf(image: MetadataImage, brokerId: number): Uuid | undefined {
  const directories = image.brokers.get(brokerId)?.logDirectories ?? []
  return directories.length === 1 ? directories[0] : undefined
}

/** Whether the replica is in a directory that the broker says it has; true while it is not known where it is. */
export function hasDirectory(broker: BrokerImage, partition: PartitionImage): boolean {
  const directory = partition.directories[partition.replicas.indexOf(broker.id)] ?? zeroUuid
  return directory === zeroUuid || broker.logDirectories.includes(directory)
}
