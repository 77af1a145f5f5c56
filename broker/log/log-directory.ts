import { type Uuid, zeroUuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import {
  cleanStopFileName,
  formatCleanStop,
  formatLogEnds,
  type LogEnd,
  logEndsFileName,
} from './clean-stop.ts'
import { markedFolderName, replicaName } from './directory-names.ts'
import { type Disk, DiskError, isDiskFull } from './disk.ts'
import { atMostAtOnce } from './in-slices.ts'
import type { Log, LogCheckpoints } from './log.ts'
import {
  type CheckpointKind,
  checkpointFileNames,
  checkpointKinds,
  formatOffsetCheckpoint,
} from './offset-checkpoint.ts'
import { formatPartitionMetadata, partitionMetadataFileName } from './partition-metadata.ts'
import type { PreparedDirectory } from './prepare-directory.ts'
import { removeFolder } from './remove-folder.ts'

/** A log that this directory holds, or could not open. */
export interface Replica {
  readonly topic: string
  readonly partition: number
  /** Path of its folder. */
  folder: string
  /** The zero id where the folder does not say; taken from whoever asks for the replica first. */
  topicId: Uuid
  /** Undefined when it cannot be opened though the disk works. */
  log: Log | undefined
  problem: string | undefined
}

export interface LogDirectoryParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** The setting file.delete.delay.ms of a topic. */
  readonly deleteDelayMs: (topic: string) => number
  readonly openLog: (replica: Replica, checkpoints: LogCheckpoints) => Log
  readonly onOffline: (directory: LogDirectory, error: Error) => void
}

/** Syncs of a clean stop that are under way at a time. */
const syncsAtOnce = 16

/**
 * One log directory: the folders in it and the logs they hold, the checkpoint files, the lock. When its disk fails it goes
 * offline as a whole, and for good: until the broker is started again nothing in it is touched any more.
 */
export class LogDirectory {
  readonly path: string
  readonly id: Uuid
  readonly #parts: LogDirectoryParts
  readonly #prepared: PreparedDirectory
  readonly #replicas = new Map<string, Replica>()
  readonly #files: Readonly<Record<CheckpointKind, CheckpointFile>>
  readonly #removals = new AbortController()
  #error: Error | undefined
  #recoveryPointsDue = false
  #syncDue = false

  constructor(prepared: PreparedDirectory, parts: LogDirectoryParts) {
    this.path = prepared.path
    this.id = prepared.id
    this.#prepared = prepared
    this.#parts = parts
    const file = (kind: CheckpointKind): CheckpointFile =>
      new CheckpointFile(parts.disk, `${prepared.path}/${checkpointFileNames[kind]}`)
    this.#files = {
      recoveryPoint: file('recoveryPoint'),
      logStart: file('logStart'),
      highWatermark: file('highWatermark'),
      cleaner: file('cleaner'),
    }
  }

  get error(): Error | undefined {
    return this.#error
  }

  get isOnline(): boolean {
    return this.#error === undefined
  }

  get size(): number {
    return this.#replicas.size
  }

  /** As they are now: the answer may be gone through while replicas come and go. */
  replicas(): readonly Replica[] {
    return [...this.#replicas.values()]
  }

  replica(topic: string, partition: number): Replica | undefined {
    return this.#replicas.get(replicaName(topic, partition))
  }

  add(replica: Replica): void {
    this.#replicas.set(replicaName(replica.topic, replica.partition), replica)
  }

  forget(replica: Replica): void {
    this.#replicas.delete(replicaName(replica.topic, replica.partition))
  }

  /** What the checkpoint files said at the start about the log in a folder of this name. */
  checkpointsOf(name: string): LogCheckpoints {
    const { logStart, highWatermark, cleaner, recoveryPoint: recoveryPoints } = this.#prepared.checkpoints
    const recoveryPoint = recoveryPoints.get(name) ?? (this.#prepared.hasRecoveryPoints ? 0 : undefined)
    const end = this.#prepared.logEnds.get(name)
    return {
      ...offsetOf('logStartOffset', logStart.get(name)),
      ...offsetOf('highWatermark', highWatermark.get(name)),
      ...offsetOf('firstDirtyOffset', cleaner.get(name)),
      ...offsetOf('recoveryPoint', recoveryPoint),
      ...(end === undefined || end.endOffset !== recoveryPoint ? {} : { end }),
    }
  }

  /** Opens the log of a replica whose folder is there, and takes it in. Throws DiskError. */
  open(replica: Replica, checkpoints: LogCheckpoints): Replica {
    replica.log = this.#parts.openLog(replica, checkpoints)
    this.add(replica)
    return replica
  }

  /** Makes the folder and the log of a new replica, and takes it in. Throws DiskError. */
  create(topic: string, partition: number, topicId: Uuid): Replica {
    const folder = `${this.path}/${replicaName(topic, partition)}`
    const replica = this.make({ topic, partition, folder, topicId })
    this.add(replica)
    return replica
  }

  /** Makes a folder with an empty log that starts at `logStartOffset`, without taking it in. Throws DiskError. */
  make(
    what: {
      readonly topic: string
      readonly partition: number
      readonly folder: string
      readonly topicId: Uuid
    },
    logStartOffset = 0,
  ): Replica {
    const isNew = this.#parts.disk.makeDirectory(what.folder)
    this.#syncAtEndOfTurn()
    const replica: Replica = { ...what, log: undefined, problem: undefined }
    this.#writeTopicId(replica)
    // What was made just now holds nothing that would have to be looked for.
    replica.log = this.#parts.openLog(replica, { logStartOffset, ...(isNew ? { entries: [] } : {}) })
    return replica
  }

  /** A folder that does not say whose it is becomes this topic's: so Kafka leaves folders that are old enough. */
  takeTopicId(replica: Replica, topicId: Uuid): void {
    const { log } = replica
    replica.topicId = topicId
    this.#writeTopicId(replica)
    if (log === undefined) return
    const { firstDirtyOffset } = log.cleaning
    const checkpoints = {
      logStartOffset: log.logStartOffset,
      highWatermark: log.highWatermark,
      recoveryPoint: log.recoveryPoint,
      ...(firstDirtyOffset === undefined ? {} : { firstDirtyOffset }),
    }
    closeAtOnce(log)
    replica.log = this.#parts.openLog(replica, checkpoints)
  }

  /** Takes a replica out: renamed at once, so that it is gone whatever happens; removed when nobody can be reading it any more. */
  remove(replica: Replica): void {
    this.#rename(replica, 'delete')
    this.removeLater(replica.folder, this.#parts.deleteDelayMs(replica.topic))
  }

  /** Takes a replica out, but keeps its files for somebody to look at. */
  putAside(replica: Replica, reason: string): void {
    this.#rename(replica, 'stray')
    this.#parts.logger.warn(
      { topic: replica.topic, partition: replica.partition, folder: replica.folder, reason },
      'A replica was put aside; its files are kept until somebody removes them.',
    )
  }

  removeLater(folder: string, delayMs: number): void {
    const { disk, clock, logger } = this.#parts
    removeFolder({ disk, clock, folder, delayMs, signal: this.#removals.signal }).catch((error: unknown) => {
      logger.warn(
        { folder, err: error },
        'A deleted folder could not be removed; the next start tries again.',
      )
    })
  }

  /** Runs what touches the disk; when that fails the directory goes offline, and the answer is undefined. */
  attempt<Result>(job: () => Result): Result | undefined {
    if (!this.isOnline) return undefined
    try {
      return job()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
      return undefined
    }
  }

  /** The disk does not work. Every log of the directory is told. */
  fail(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#removals.abort()
    for (const { log } of this.#replicas.values()) log?.takeOffline(error)
    this.#parts.onOffline(this, error)
  }

  /**
   * Only what is on the device; a log that could not be opened keeps what stood there. Where there is no room the file stays
   * as it is: it may lag behind, and the next time comes.
   */
  async checkpoint(kind: CheckpointKind): Promise<void> {
    try {
      await this.#writeCheckpoint(kind)
    } catch (error) {
      if (!isDiskFull(error)) throw error
      this.#parts.logger.warn(
        { directory: this.path, err: error },
        'The disk has no room for a checkpoint; it is written when there is some.',
      )
    }
  }

  /** Throws DiskError when there is no room; when the disk fails the directory goes offline. */
  async #writeCheckpoint(kind: CheckpointKind): Promise<void> {
    if (!this.isOnline) return
    try {
      await this.#files[kind].write(() => this.#checkpoint(kind))
    } catch (error) {
      if (!(error instanceof DiskError) || isDiskFull(error)) throw error
      this.fail(error)
    }
  }

  /**
   * A log was cut below its recovery point. Before anything is written in the place of what was cut, the checkpoint must
   * say so: else the new bytes would be taken for flushed ones after a crash. Done at the end of this turn.
   */
  recoveryPointDue(): void {
    if (this.#recoveryPointsDue) return
    this.#recoveryPointsDue = true
    this.#parts.turn.write(() => {
      this.#recoveryPointsDue = false
      this.attempt(() => this.writeRecoveryPoints())
    })
  }

  /** The recovery points of all logs, as they are now, survive a power cut when it resolves. Rejects when there is no room. */
  async settleRecoveryPoints(): Promise<void> {
    await this.#writeCheckpoint('recoveryPoint')
    if (!this.isOnline) return
    try {
      await this.#parts.disk.directorySynced(this.path)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
    }
  }

  /** The same at once. Throws DiskError. */
  writeRecoveryPoints(): void {
    this.#files.recoveryPoint.writeNow(this.#checkpoint('recoveryPoint'))
  }

  /** Closes every log. With `cleanStopEpoch` all is synced and marked so that the next start believes the files. */
  async close(cleanStopEpoch: number | undefined): Promise<void> {
    this.#removals.abort()
    const isClean = cleanStopEpoch !== undefined
    try {
      await atMostAtOnce(syncsAtOnce, this.#replicas.values(), async ({ log }) => {
        if (this.isOnline) await log?.close({ sync: isClean })
      })
      if (!isClean || !this.isOnline) return
      for (const kind of checkpointKinds) {
        await this.#files[kind].write(() => this.#checkpoint(kind))
      }
      this.#parts.disk.writeFileAtomically(`${this.path}/${logEndsFileName}`, this.#logEnds())
      this.#parts.disk.writeFileAtomically(
        `${this.path}/${cleanStopFileName}`,
        formatCleanStop(cleanStopEpoch),
      )
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.fail(error)
    } finally {
      this.#release()
    }
  }

  #rename(replica: Replica, kind: 'delete' | 'stray'): void {
    const { disk, random } = this.#parts
    const folder = `${this.path}/${markedFolderName(replica.topic, replica.partition, kind, random)}`
    this.forget(replica)
    if (replica.log !== undefined) closeAtOnce(replica.log)
    disk.rename(replica.folder, folder)
    replica.log?.directoryRenamed(folder)
    replica.folder = folder
  }

  /** Not synced: without data nothing is lost with it, and a log with data takes the id of the topic that asks for it. */
  #writeTopicId(replica: Replica): void {
    const content = Buffer.from(formatPartitionMetadata(replica.topicId))
    const file = this.#parts.disk.open(`${replica.folder}/${partitionMetadataFileName}`, 'replace')
    try {
      file.writeSync(content, 0, content.length, 0)
    } finally {
      file.close()
    }
  }

  #checkpoint(kind: CheckpointKind): string {
    const entries: { topic: string; partition: number; offset: number }[] = []
    for (const { topic, partition, log } of this.#replicas.values()) {
      const offset =
        log === undefined
          ? this.#prepared.checkpoints[kind].get(replicaName(topic, partition))
          : checkpointed[kind](log)
      if (offset !== undefined) entries.push({ topic, partition, offset })
    }
    return formatOffsetCheckpoint(entries)
  }

  /** A folder must be on the device before anything in it counts as flushed. One sync for all that a turn makes. */
  #syncAtEndOfTurn(): void {
    if (this.#syncDue) return
    this.#syncDue = true
    this.#parts.turn.write(() => {
      this.#syncDue = false
      this.attempt(() => this.#parts.disk.syncDirectory(this.path))
    })
  }

  #logEnds(): string {
    const ends: { replica: string; end: LogEnd }[] = []
    for (const { topic, partition, log } of this.#replicas.values()) {
      const last = log?.segments.at(-1)
      if (log === undefined || last === undefined) continue
      const end = {
        endOffset: log.logEndOffset,
        segmentBase: last.baseOffset,
        segmentBytes: last.writtenBytes,
      }
      ends.push({ replica: replicaName(topic, partition), end })
    }
    return formatLogEnds(ends)
  }

  #release(): void {
    try {
      this.#prepared.lock.release()
    } catch (error) {
      this.#parts.logger.warn(
        { directory: this.path, err: error },
        'The lock file of a log directory could not be removed.',
      )
    }
  }
}

const checkpointed = {
  recoveryPoint: (log: Log): number => log.recoveryPoint,
  highWatermark: (log: Log): number => log.highWatermark,
  /** Only a start in the middle of a segment: else the first file says it. */
  logStart: (log: Log): number | undefined =>
    log.logStartOffset > (log.segments[0]?.baseOffset ?? 0) ? log.logStartOffset : undefined,
  cleaner: (log: Log): number | undefined => log.cleaning.firstDirtyOffset,
} satisfies Record<CheckpointKind, (log: Log) => number | undefined>

function offsetOf<Name extends keyof LogCheckpoints>(name: Name, offset: number | undefined): LogCheckpoints {
  return offset === undefined || offset < 0 ? {} : { [name]: offset }
}

/** Without a sync everything happens before the first wait inside; a log that fails in it is of no use any more either way. */
export function closeAtOnce(log: Log): void {
  void log.close({ sync: false }).catch(() => {})
}

export const unknownTopicId: Uuid = zeroUuid
