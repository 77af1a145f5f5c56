import { type Uuid, uuidFromRandom } from '../../protocol/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import {
  cleanStopFileName,
  type LogEnd,
  logEndsFileName,
  parseCleanStop,
  parseLogEnds,
} from './clean-stop.ts'
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
  /** By replica name; only after a clean stop. */
  readonly logEnds: ReadonlyMap<string, LogEnd>
  readonly checkpoints: Readonly<Record<CheckpointKind, ReplicaOffsets>>
  /** Logs that the recovery-point checkpoint does not name are younger than it. False where the file is missing or damaged. */
  readonly hasRecoveryPoints: boolean
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
    const read = (kind: CheckpointKind) => readCheckpoint(disk, path, kind, logger)
    const recoveryPoint = read('recoveryPoint')
    const checkpoints = {
      recoveryPoint: recoveryPoint ?? none,
      logStart: read('logStart') ?? none,
      highWatermark: read('highWatermark') ?? none,
      cleaner: read('cleaner') ?? none,
    }
    const hasRecoveryPoints = recoveryPoint !== undefined
    const folders = replicaFolders(disk, path, logger)
    return { path, id, lock, ...takeCleanStop(disk, path), checkpoints, hasRecoveryPoints, folders }
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

const none: ReplicaOffsets = new Map()

/** Undefined when it is missing or damaged. */
function readCheckpoint(
  disk: Disk,
  path: string,
  kind: CheckpointKind,
  logger: Logger,
): ReplicaOffsets | undefined {
  const file = `${path}/${checkpointFileNames[kind]}`
  const content = disk.readFile(file)
  // Kafka makes its files empty, and writes the first checkpoint to them a minute later.
  if (content === undefined || content.length === 0) return undefined
  const offsets = parseOffsetCheckpoint(content.toString('utf8'))
  if (offsets === undefined) {
    logger.warn(
      { file },
      'A checkpoint file is damaged and is not used; what it said is found out from the logs.',
    )
  }
  return offsets
}

/** Removed at once, and for good: from now on a crash is a crash. */
function takeCleanStop(disk: Disk, path: string): Pick<PreparedDirectory, 'cleanStopEpoch' | 'logEnds'> {
  const content = disk.readFile(`${path}/${cleanStopFileName}`)
  const ends = disk.readFile(`${path}/${logEndsFileName}`)
  // The ends say nothing without the other file: that one has to go first.
  disk.unlink(`${path}/${cleanStopFileName}`)
  // Also when it was not there: folders of a process that was killed may not be on the device yet.
  disk.syncDirectory(path)
  disk.unlink(`${path}/${logEndsFileName}`)
  if (content === undefined) return { cleanStopEpoch: undefined, logEnds: new Map() }
  return {
    cleanStopEpoch: parseCleanStop(content.toString('utf8')),
    logEnds: ends === undefined ? new Map() : parseLogEnds(ends.toString('utf8')),
  }
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
  ...Object.values(checkpointFileNames).flatMap(name => [`${name}.tmp`, `${name}.new`]),
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
