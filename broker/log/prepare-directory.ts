import { type Uuid, uuidFromRandom } from '../../protocol/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { cleanStopFileName, parseCleanStop } from './clean-stop.ts'
import { parseReplicaFolder, type ReplicaFolder } from './directory-names.ts'
import { type DirectoryEntry, type Disk, DiskError, type DiskLock } from './disk.ts'
import {
  formatMetaProperties,
  metaPropertiesFileName,
  parseMetaProperties,
  refuseForeignDirectory,
} from './meta-properties.ts'
import {
  type CheckpointKind,
  checkpointFileNames,
  parseOffsetCheckpoint,
  type ReplicaOffsets,
} from './offset-checkpoint.ts'

const lockFileName = '.lock'

/** Folders that Kafka keeps beside replicas, and that mean nothing here. */
const foreignReplicas = new Set(['__cluster_metadata-0'])

/** A log directory that is locked and known to be this broker's, and what stands in it. */
export interface PreparedDirectory {
  readonly path: string
  readonly id: Uuid
  readonly lock: DiskLock
  /** Undefined after an unclean stop, else the broker's epoch then (-1 when not known). */
  readonly cleanStopEpoch: number | undefined
  readonly checkpoints: Readonly<Record<CheckpointKind, ReplicaOffsets>>
  readonly folders: readonly (ReplicaFolder & { readonly name: string })[]
}

/** The directory cannot be this broker's: nothing was changed in it, and the broker must not start. */
export class ForeignDirectory extends Error {
  override readonly name = 'ForeignDirectory'
}

/**
 * Makes the directory if there is none, locks it, and checks or writes meta.properties. Throws DiskError when the disk
 * does not work (the directory is offline then), ForeignDirectory when it is somebody else's or in use.
 */
export function prepareDirectory(options: {
  readonly path: string
  readonly clusterId: string
  readonly nodeId: number
  readonly disk: Disk
  readonly random: Random
  readonly logger: Logger
}): PreparedDirectory {
  const { path, disk, logger } = options
  disk.makeDirectory(path)
  const lock = lockDirectory(disk, path)
  try {
    const id = ownDirectory(options)
    const checkpoints = {
      recoveryPoint: readCheckpoint(disk, path, 'recoveryPoint', logger),
      logStart: readCheckpoint(disk, path, 'logStart', logger),
      highWatermark: readCheckpoint(disk, path, 'highWatermark', logger),
      cleaner: readCheckpoint(disk, path, 'cleaner', logger),
    }
    const folders = replicaFolders(disk, path, logger)
    const cleanStopEpoch = takeCleanStop(disk, path)
    return { path, id, lock, cleanStopEpoch, checkpoints, folders }
  } catch (error) {
    releaseQuietly(lock)
    throw error
  }
}

function lockDirectory(disk: Disk, path: string): DiskLock {
  try {
    return disk.lock(`${path}/${lockFileName}`)
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ELOCKED') {
      throw new ForeignDirectory(`The log directory ${path} is in use. ${error.message}`, { cause: error })
    }
    throw error
  }
}

/** The directory's id; made up and written down where it has none yet. */
function ownDirectory(options: Parameters<typeof prepareDirectory>[0]): Uuid {
  const { path, clusterId, nodeId, disk, random } = options
  const file = `${path}/${metaPropertiesFileName}`
  const content = disk.readFile(file)
  const found = content === undefined ? {} : parseMetaProperties(content.toString('utf8'))
  if ('problem' in found) throw new ForeignDirectory(`${file} cannot be used: ${found.problem}.`)
  const refusal = refuseForeignDirectory(path, found, { clusterId, nodeId })
  if (refusal !== undefined) throw new ForeignDirectory(refusal)
  if (found.directoryId !== undefined && found.clusterId !== undefined && found.nodeId !== undefined) {
    return found.directoryId
  }
  const directoryId = found.directoryId ?? uuidFromRandom(size => random.bytes(size))
  disk.writeFileAtomically(file, formatMetaProperties({ clusterId, nodeId, directoryId }))
  return directoryId
}

function readCheckpoint(disk: Disk, path: string, kind: CheckpointKind, logger: Logger): ReplicaOffsets {
  const file = `${path}/${checkpointFileNames[kind]}`
  const content = disk.readFile(file)
  if (content === undefined) return new Map()
  const offsets = parseOffsetCheckpoint(content.toString('utf8'))
  if (offsets !== undefined) return offsets
  logger.warn(
    { file },
    'A checkpoint file is damaged and is not used; what it said is found out from the logs.',
  )
  return new Map()
}

/** Removed at once, and for good: from now on a crash is a crash. */
function takeCleanStop(disk: Disk, path: string): number | undefined {
  const file = `${path}/${cleanStopFileName}`
  const content = disk.readFile(file)
  if (content === undefined) return undefined
  disk.unlink(file)
  disk.syncDirectory(path)
  return parseCleanStop(content.toString('utf8'))
}

function replicaFolders(disk: Disk, path: string, logger: Logger): (ReplicaFolder & { name: string })[] {
  const folders: (ReplicaFolder & { name: string })[] = []
  const foreign: string[] = []
  for (const entry of disk.readDirectory(path)) {
    const folder = foreignReplicas.has(entry.name) ? undefined : parseReplicaFolder(entry.name)
    if (folder !== undefined && isDirectory(disk, path, entry)) folders.push({ ...folder, name: entry.name })
    else if (!isExpected(entry)) foreign.push(entry.name)
  }
  if (foreign.length > 0) {
    logger.warn(
      { directory: path, names: foreign.slice(0, 20), count: foreign.length },
      'There are things in the log directory that are none of a broker; they are left alone.',
    )
  }
  return folders
}

/** A replica's folder may be a symbolic link to another disk. */
function isDirectory(disk: Disk, path: string, entry: DirectoryEntry): boolean {
  if (entry.kind !== 'other') return entry.kind === 'directory'
  return disk.stat(`${path}/${entry.name}`)?.isDirectory === true
}

const expectedNames: ReadonlySet<string> = new Set([
  ...Object.values(checkpointFileNames),
  ...Object.values(checkpointFileNames).map(name => `${name}.tmp`),
  metaPropertiesFileName,
  `${metaPropertiesFileName}.tmp`,
  'bootstrap.checkpoint',
  'lost+found',
  ...foreignReplicas,
])

function isExpected({ name }: DirectoryEntry): boolean {
  return name.startsWith('.') || expectedNames.has(name)
}

function releaseQuietly(lock: DiskLock): void {
  try {
    lock.release()
  } catch {
    // The disk fails already, and the lock of a process that ends counts for nothing.
  }
}
