import type { Random } from '../../runtime/random.ts'

// Names of the folders of a log directory, as Kafka gives them.

/**
 * - `live`: a replica.
 * - `future`: a replica on its way to this directory from another one.
 * - `delete`: renamed when its topic was deleted; removed after file.delete.delay.ms or at the next start.
 * - `stray`: a replica this broker should not have; kept for people to look at.
 */
export type ReplicaFolderKind = 'live' | 'future' | 'delete' | 'stray'

export interface ReplicaFolder {
  readonly kind: ReplicaFolderKind
  readonly topic: string
  readonly partition: number
}

/** Longest name that common file systems take. */
const longestName = 255

/** `orders-3`; also how a replica is called in messages. */
export function replicaName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** `orders-3.<32 random hex digits>-delete` and the like; the topic is cut where the name would get too long. */
export function markedFolderName(
  topic: string,
  partition: number,
  kind: 'future' | 'delete' | 'stray',
  random: Random,
): string {
  const suffix = `.${random.bytes(16).toString('hex')}-${kind}`
  return `${replicaName(topic, partition).slice(0, longestName - suffix.length)}${suffix}`
}

/** Undefined for a name that is no replica's. */
export function parseReplicaFolder(name: string): ReplicaFolder | undefined {
  const marked = /^(.+)\.[0-9a-f]{32}-(delete|stray|future)$/.exec(name)
  const kind = marked?.[2] ?? 'live'
  const match = /^([a-zA-Z0-9._-]{1,249})-(\d{1,10})$/.exec(marked?.[1] ?? name)
  if (match === null) {
    // The topic of a long name may have been cut, partition and all.
    const isRemoved = kind === 'delete' || kind === 'stray'
    return isRemoved && marked !== null ? { kind, topic: marked[1]!, partition: -1 } : undefined
  }
  const [, topic = '', digits = ''] = match
  const partition = Number(digits)
  if (partition > 2 ** 31 - 1 || String(partition) !== digits || topic === '.' || topic === '..')
    return undefined
  return kind === 'live' || kind === 'future' || kind === 'delete' || kind === 'stray'
    ? { kind, topic, partition }
    : undefined
}
