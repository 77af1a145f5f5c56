import { dirname } from 'node:path'
import type { Disk } from '../log/disk.ts'
import type { HistoryFile, KnownHistory } from './etcd-history.ts'

/** A small JSON file in a data directory, which also tells that this broker's metadata is in etcd. */
export class EtcdHistoryFile implements HistoryFile {
  readonly #disk: Disk
  readonly #path: string
  readonly #clusterUid: string

  constructor(disk: Disk, path: string, clusterUid: string) {
    this.#disk = disk
    this.#path = path
    this.#clusterUid = clusterUid
  }

  /** Throws a sentence when the file is damaged or of another cluster: then nothing is known, and that must not pass. */
  read(): KnownHistory | undefined {
    const found = readHistory(this.#disk, this.#path)
    if (found === undefined || found.clusterUid === this.#clusterUid) return found
    throw new Error(
      `${this.#path} is of cluster ${found.clusterUid}, but cluster.id=${this.#clusterUid}. Give the right cluster.id, or other data directories.`,
    )
  }

  write({ etcdCluster, revision }: KnownHistory): void {
    const text = JSON.stringify({ clusterUid: this.#clusterUid, etcdCluster, revision })
    this.#disk.makeDirectory(dirname(this.#path))
    this.#disk.writeFileAtomically(this.#path, `${text}\n`)
  }
}

/** Undefined when there is no such file. */
export function readHistory(
  disk: Disk,
  path: string,
): (KnownHistory & { readonly clusterUid: string }) | undefined {
  const content = disk.readFile(path)
  if (content === undefined) return undefined
  try {
    const { clusterUid, etcdCluster, revision } = JSON.parse(content.toString('utf8')) as Record<
      string,
      unknown
    >
    if (typeof clusterUid === 'string' && typeof etcdCluster === 'string' && Number.isSafeInteger(revision))
      return { clusterUid, etcdCluster, revision: Number(revision) }
  } catch {
    // Told below, as any other damage.
  }
  throw new Error(
    `${path}, where the broker notes how far etcd had come, is damaged. If etcd was not restored from a backup since, delete the file and start again.`,
  )
}
