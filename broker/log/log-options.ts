import type { ErrorName, Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { LogEnd } from './clean-stop.ts'
import type { DirectoryEntry, Disk } from './disk.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogSettings } from './log-settings.ts'
import type { ProducerState } from './producer-state.ts'
import type { TransactionGuard } from './transaction-verifications.ts'

export interface LogOptions {
  readonly directory: string
  readonly topic: string
  readonly partition: number
  readonly topicId: Uuid
  readonly settings: () => LogSettings
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** False while the disk of the directory is too full for new data; asked before every append of a client. */
  readonly isWritable?: () => boolean
  /** The disk failed under this log; the owner of the directory takes the whole directory offline. Called once. */
  readonly onFailed?: (error: Error) => void
  /**
   * The log was cut below its recovery point, or begins a segment behind a gap: the checkpoint must say so before this turn
   * ends.
   */
  readonly onRecoveryPointDue?: () => void
  /** The setting producer.id.expiration.ms. */
  readonly producerIdExpirationMs?: number
}

/** What the checkpoints of the log directory know of this log. Missing: as for a log that is new. */
export interface LogCheckpoints {
  /** From log-start-offset-checkpoint; the base of the first segment when absent. */
  readonly logStartOffset?: number
  /** From replication-offset-checkpoint; the log start when absent; never above the log's end. */
  readonly highWatermark?: number
  /** From recovery-point-offset-checkpoint: everything below is on the device. */
  readonly recoveryPoint?: number
  /** From cleaner-offset-checkpoint: below it every key stands once. */
  readonly firstDirtyOffset?: number
  /** From a clean stop: spares reading the end of the log. */
  readonly end?: LogEnd
  /** From recovery; otherwise the file in the directory says them. */
  readonly leaderEpochs?: LeaderEpochs
  /** From recovery; otherwise the newest snapshot in the directory says them. */
  readonly producers?: ProducerState
  /** What stands in the directory, where it has just been listed or made; what is not named is not looked for. */
  readonly entries?: readonly DirectoryEntry[]
}

export type AppendOutcome =
  | {
      readonly kind: 'appended' | 'duplicate'
      /** -1 for a duplicate of what was written so long ago that its place is not known any more. */
      readonly baseOffset: number
      /** Inclusive. Where the place is not known, of something behind it. */
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

export interface LeaderAppendOptions {
  readonly leaderEpoch: number
  readonly origin: 'client' | 'coordinator'
  /** Version of the Produce request. */
  readonly apiVersion?: number
  /** For a transaction that the coordinator has confirmed; see ProducerState.startVerification. */
  readonly guard?: TransactionGuard
  readonly mustBeVerified?: boolean
  /** Of an end-of-transaction marker. */
  readonly transactionVersion?: 1 | 2
}
