import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { replicaName } from './directory-names.ts'
import { type Disk, DiskError } from './disk.ts'
import { parseSegmentFileName } from './file-names.ts'
import { atMostAtOnce, inSlices } from './in-slices.ts'
import { finishInterruptedWork } from './interrupted-work.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogCheckpoints } from './log.ts'
import { type LogDirectory, type Replica, unknownTopicId } from './log-directory.ts'
import { readPartitionMetadata } from './partition-metadata.ts'
import { ProducerState } from './producer-state.ts'
import type { PreparedDirectory } from './prepare-directory.ts'
import type { Recoverer } from './recoverer.ts'
import type { RecoveryOutcome } from './recovery.ts'
import type { RecoveryTracker, UnreadLog } from './recovery-progress.ts'

/** Logs of one directory that are recovered at a time: enough to keep the threads busy. */
const recoveriesAtOnce = 8

export interface LoadParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly recoverer: Recoverer
  readonly tracker: RecoveryTracker
  readonly producerIdExpirationMs: number
  /** The setting index.interval.bytes of a topic. */
  readonly indexIntervalBytes: (topic: string) => number
}

/**
 * Opens all logs of a directory; after an unclean stop each is recovered first. A log that cannot be served though the
 * disk works stays offline alone. When the disk fails the directory goes offline, and the rest of it is left.
 */
export async function loadReplicas(
  prepared: PreparedDirectory,
  directory: LogDirectory,
  parts: LoadParts,
): Promise<void> {
  const { clock, logger, tracker } = parts
  const live = prepared.folders.filter(({ kind }) => kind === 'live')
  tracker.logsFound(live.length)
  try {
    if (prepared.cleanStopEpoch !== undefined) {
      const damaged: Replica[] = []
      await inSlices(clock, live, ({ topic, partition, name }) => {
        const replica = newReplica(`${prepared.path}/${name}`, topic, partition, parts)
        directory.add(replica)
        if (openClean(replica, directory, directory.checkpointsOf(name), parts)) tracker.logDone()
        else damaged.push(replica)
      })
      await atMostAtOnce(recoveriesAtOnce, damaged, replica =>
        recoverAndOpen(replica, directory, parts, undefined),
      )
    } else {
      const unread = new Map<Replica, UnreadLog>()
      await inSlices(clock, live, ({ topic, partition, name }) => {
        const replica = newReplica(`${prepared.path}/${name}`, topic, partition, parts)
        directory.add(replica)
        const found = unreadOf(parts.disk, replica.folder, directory.checkpointsOf(name).recoveryPoint ?? 0)
        unread.set(replica, found)
        tracker.unreadFound(found)
      })
      if (live.length > 0) {
        logger.warn(
          { directory: prepared.path, logs: live.length, ...tracker.progress },
          'The broker was not stopped cleanly; the ends of its logs are read again.',
        )
      }
      await atMostAtOnce(recoveriesAtOnce, unread, ([replica, found]) =>
        recoverAndOpen(replica, directory, parts, found),
      )
    }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    directory.fail(error)
  }
}

function newReplica(folder: string, topic: string, partition: number, parts: LoadParts): Replica {
  const found = readPartitionMetadata(parts.disk, folder)
  if (found.kind === 'damaged') {
    parts.logger.warn(
      { folder },
      'partition.metadata is damaged; the replica is taken to be of the topic of this name.',
    )
  }
  const topicId = found.kind === 'found' ? found.topicId : unknownTopicId
  return { topic, partition, folder, topicId, log: undefined, problem: undefined }
}

/** False when some file of it is damaged, clean stop or not. Throws DiskError. */
function openClean(
  replica: Replica,
  directory: LogDirectory,
  checkpoints: LogCheckpoints,
  parts: LoadParts,
): boolean {
  try {
    const entries = parts.disk.readDirectory(replica.folder)
    const names = entries.map(({ name }) => name)
    const hasChanged = finishInterruptedWork(parts.disk, replica.folder, names)
    directory.open(replica, hasChanged ? checkpoints : { ...checkpoints, entries })
    return true
  } catch (error) {
    if (error instanceof DiskError) throw error
    parts.logger.warn(
      { topic: replica.topic, partition: replica.partition, err: error },
      'A log is damaged although the broker was stopped cleanly; it is read again.',
    )
    return false
  }
}

async function recoverAndOpen(
  replica: Replica,
  directory: LogDirectory,
  parts: LoadParts,
  unread: UnreadLog | undefined,
): Promise<void> {
  if (!directory.isOnline) return
  const { topic, partition, folder } = replica
  const checkpoints = directory.checkpointsOf(replicaName(topic, partition))
  try {
    const outcome = await parts.recoverer.recover(
      {
        directory: folder,
        recoveryPoint: checkpoints.recoveryPoint,
        logStartOffset: checkpoints.logStartOffset ?? 0,
        indexIntervalBytes: parts.indexIntervalBytes(topic),
        producerExpirationMs: parts.producerIdExpirationMs,
        nowMs: parts.clock.nowMs(),
      },
      bytes => unread !== undefined && parts.tracker.read(unread, bytes),
    )
    if (outcome.problem !== undefined) {
      parts.logger.warn(
        { topic, partition, ...figuresOf(outcome) },
        'The end of a log was no whole batch and was cut off, as a crash leaves it.',
      )
    }
    if (!directory.isOnline) return
    const { recoveryPoint, unsavedEpochs, end, producers } = outcome
    directory.open(replica, {
      ...checkpoints,
      recoveryPoint,
      ...(end === undefined ? {} : { end }),
      ...(producers === undefined ? {} : { producers: ProducerState.fromMemory(producers) }),
      ...(unsavedEpochs === undefined ? {} : { leaderEpochs: LeaderEpochs.unsaved(unsavedEpochs) }),
    })
  } catch (error) {
    if (error instanceof DiskError) throw error
    replica.problem = error instanceof Error ? error.message : String(error)
    parts.logger.error(
      { topic, partition, folder, err: error },
      'A log cannot be opened; its replica stays offline.',
    )
  } finally {
    parts.tracker.logDone(unread)
  }
}

function figuresOf({ problem, logEndOffset, cutBytes, removedSegments }: RecoveryOutcome) {
  return { problem, logEndOffset, cutBytes, removedSegments }
}

/** Segments from the one on that holds the recovery point. */
function unreadOf(disk: Disk, folder: string, recoveryPoint: number): UnreadLog {
  const segments = disk
    .readDirectory(folder)
    .flatMap(({ name }) => {
      const parsed = parseSegmentFileName(name)
      return parsed?.kind === 'log' && parsed.suffix === '' ? [{ name, baseOffset: parsed.baseOffset }] : []
    })
    .sort((a, b) => a.baseOffset - b.baseOffset)
  const first = Math.max(
    0,
    segments.findLastIndex(({ baseOffset }) => baseOffset <= recoveryPoint),
  )
  const unread = segments.slice(first)
  const bytes = unread.reduce((sum, { name }) => sum + (disk.stat(`${folder}/${name}`)?.sizeInBytes ?? 0), 0)
  return { segments: unread.length, bytes }
}
