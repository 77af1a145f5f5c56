import type { ErrorName, RecordsSource, Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { TopicSettings } from '../config/topic-settings.ts'
import type { Disk } from './disk.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'

export interface LogOptions {
  readonly directory: string
  readonly topic: string
  readonly partition: number
  readonly topicId: Uuid
  readonly settings: () => TopicSettings
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** False while the disk of the directory is too full for new data; asked before every append of a client. */
  readonly isWritable?: () => boolean
  /** The disk failed under this log; the owner of the directory takes the whole directory offline. Called once. */
  readonly onFailed?: (error: Error) => void
}

/** What the checkpoints of the log directory know of this log. Missing: as for a log that is new. */
export interface LogCheckpoints {
  /** From log-start-offset-checkpoint; the base of the first segment when absent. */
  readonly logStartOffset?: number
  /** From replication-offset-checkpoint; the log start when absent; never above the log's end. */
  readonly highWatermark?: number
  /** From recovery-point-offset-checkpoint: everything below is on the device. */
  readonly recoveryPoint?: number
}

export type AppendOutcome =
  | {
      readonly kind: 'appended' | 'duplicate'
      readonly baseOffset: number
      readonly lastOffset: number
      /** -1 for CreateTime. */
      readonly logAppendTimeMs: number
    }
  | AppendRefused

export interface AppendRefused {
  readonly kind: 'refused'
  readonly error: ErrorName
  readonly message: string
  readonly recordErrors?: readonly { readonly batchIndex: number; readonly message: string }[]
}

export interface WriteListener {
  /** Bytes up to this offset (exclusive) are in the file. At the end of the turn, never inside the append. */
  written(logEndOffset: number): void
  /** The disk failed; the log accepts nothing any more. */
  failed(error: Error): void
}

export interface ReadOptions {
  readonly offset: number
  readonly maxBytes: number
  /** Give the first batch whole even when it is larger than `maxBytes`. */
  readonly minOneBatch: boolean
  /** Exclusive: no batch that begins at or after it is given. */
  readonly upTo: number
  /** Also find the aborted transactions that overlap what is given. */
  readonly readCommitted?: boolean
}

export interface LogRead {
  readonly records: RecordsSource
  readonly recent: boolean
  load(): Promise<Buffer>
  readonly firstBatchIncomplete: boolean
  readonly abortedTransactions: { producerId: number; firstOffset: number }[] | null
  readonly segmentBaseOffset: number
  readonly position: number
}

export interface RecordAtTime {
  readonly offset: number
  readonly timestamp: number
  /** -1 when unknown. */
  readonly leaderEpoch: number
}

/**
 * One partition's log. The files in `directory` must be whole: after an unclean stop recovery runs before `open`.
 */
export declare class Log {
  /** Opens the log in `directory`, making the directory and the first segment when there are none. Throws DiskError. */
  static open(options: LogOptions, checkpoints?: LogCheckpoints): Log

  readonly topic: string
  readonly partition: number
  readonly topicId: Uuid
  get directory(): string
  get leaderEpochs(): LeaderEpochs
  get producers(): ProducerState
  get logStartOffset(): number
  get logEndOffset(): number
  get nextOffset(): number
  get highWatermark(): number
  get lastStableOffset(): number
  get sizeInBytes(): number
  /** Offsets below are on the device (fdatasync done); what the recovery-point checkpoint holds. */
  get recoveryPoint(): number
  get segments(): readonly Segment[]

  advanceHighWatermark(offset: number): void
  appendAsLeader(
    records: Buffer,
    options: { leaderEpoch: number; origin: 'client' | 'coordinator'; apiVersion?: number },
  ): AppendOutcome
  /** `records` may hold several batches and end in a part of one, which is dropped. */
  appendAsFollower(records: Buffer, options?: { leaderEpoch?: number }): AppendOutcome
  onWritten(listener: WriteListener): void
  read(options: ReadOptions): LogRead | { readonly error: 'OFFSET_OUT_OF_RANGE' | 'KAFKA_STORAGE_ERROR' }
  offsetForTimestamp(timestamp: number): Promise<RecordAtTime | undefined>
  offsetOfMaxTimestamp(): Promise<RecordAtTime | undefined>
  /** Cuts the end off; `offset` becomes the log end. Never below the log start. */
  truncateTo(offset: number): void
  truncateFullyAndStartAt(offset: number): void
  /** Moves the log start; at most to the high watermark. Files go with the next `deleteOldSegments`. */
  deleteRecordsBefore(offset: number): void
  roll(): void
  /** Retention. Returns the number of segments deleted. */
  deleteOldSegments(nowMs: number): number
  /** Everything appended so far is on the device when it resolves; concurrent calls share one fdatasync. */
  flush(): Promise<void>
  /** Gives back memory and descriptors that an idle log does not need; call now and then. */
  releaseIdle(): void
  /** The directory was renamed (deletion, a future log taking its place). */
  directoryRenamed(directory: string): void
  /** Writes what is staged, the indexes and a producer snapshot; syncs when `sync` (the default). */
  close(options?: { sync?: boolean }): void
}
