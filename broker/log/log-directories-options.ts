import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { Disk } from './disk.ts'
import type { Log } from './log.ts'
import type { LogSettings } from './log-settings.ts'
import type { Recoverer } from './recoverer.ts'
import type { RecoveryProgress } from './recovery-progress.ts'

/** The settings of a broker that its log directories follow, by Kafka's names. */
export interface LogDirectorySettings {
  readonly 'log.dir': readonly string[]
  readonly 'log.dirs': readonly string[] | null
  readonly 'cordoned.log.dirs': readonly string[]
  readonly 'num.recovery.threads.per.data.dir': number
  readonly 'log.retention.check.interval.ms': number
  readonly 'log.flush.offset.checkpoint.interval.ms': number
  readonly 'log.flush.start.offset.checkpoint.interval.ms': number
  readonly 'replica.high.watermark.checkpoint.interval.ms': number
  readonly 'replica.alter.log.dirs.io.max.bytes.per.second': number
  readonly 'producer.id.expiration.ms': number
  readonly 'log.dirs.reserved.bytes': number
}

export interface LogDirectoriesOptions {
  /** A function where they may change while the broker runs. */
  readonly settings: LogDirectorySettings | (() => LogDirectorySettings)
  readonly topicSettings: (topic: string) => LogSettings
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  readonly clusterId: string
  readonly nodeId: number
  /** A disk failed: the replicas on it serve nothing any more. When `remaining` is 0, the broker has to stop. */
  readonly onDirectoryOffline: (path: string, error: Error, remaining: number) => void
  /** Told once a second while logs are opened, and at the end. */
  readonly onProgress?: (progress: RecoveryProgress) => void
  /** A replica has been moved to another directory: `log` takes the place of the one it had. */
  readonly onReplicaMoved?: (topic: string, partition: number, log: Log) => void
  /** What reads logs again after an unclean stop; worker threads when left out. */
  readonly recoverer?: Recoverer
}

export interface NoLog {
  readonly error: 'KAFKA_STORAGE_ERROR'
  readonly message: string
}

export interface MoveOutcome {
  readonly error: 'NONE' | 'LOG_DIR_NOT_FOUND' | 'KAFKA_STORAGE_ERROR' | 'REPLICA_NOT_AVAILABLE'
  readonly message: string
}
