import type { Uuid } from '../../protocol/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { BrokerSettings } from '../config/broker-settings.ts'
import type { TopicSettings } from '../config/topic-settings.ts'
import type { Disk } from './disk.ts'
import type { Log } from './log.ts'
import type { Recoverer } from './recoverer.ts'
import type { RecoveryProgress } from './recovery-progress.ts'

export interface LogDirectoriesOptions {
  readonly settings: BrokerSettings
  readonly topicSettings: (topic: string) => TopicSettings
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly turn: EndOfTurn
  readonly logger: Logger
  readonly clusterId: string
  readonly nodeId: number
  /** A disk failed: the replicas on it serve nothing any more. When `remaining` is 0, the broker has to stop. */
  readonly onDirectoryOffline: (path: string, error: Error, remaining: number) => void
  /** Told while logs are read again after an unclean stop. */
  readonly onProgress?: (progress: RecoveryProgress) => void
  /** A replica has been moved to another directory: `log` takes the place of the one it had. */
  readonly onReplicaMoved?: (topic: string, partition: number, log: Log) => void
  /** What reads logs again after an unclean stop; worker threads when left out. */
  readonly recoverer?: Recoverer
}

export interface DescribedDirectory {
  readonly path: string
  /** The zero id while the directory is offline and its id was never read. */
  readonly directoryId: Uuid
  readonly error: 'NONE' | 'KAFKA_STORAGE_ERROR'
  readonly message: string | null
  /** -1 when not known. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly isCordoned: boolean
  readonly logs: readonly {
    readonly topic: string
    readonly partition: number
    readonly sizeInBytes: number
    /** Of a live replica: log end minus high watermark; of a future one: how far it is behind the live one. */
    readonly offsetLag: number
    readonly isFuture: boolean
  }[]
}

export interface NoLog {
  readonly error: 'KAFKA_STORAGE_ERROR'
  readonly message: string
}

/** All log directories of this broker and the logs in them. */
export declare class LogDirectories {
  /**
   * Locks the directories, checks whose they are, and opens every log; after an unclean stop the ends of the logs are read
   * again first. Rejects with a sentence when a directory belongs to somebody else or when none can be used.
   */
  static open(options: LogDirectoriesOptions): Promise<LogDirectories>

  /** Ids of the directories that are online, for the broker's registration. */
  get directoryIds(): readonly Uuid[]
  /** The broker epoch at the last clean stop; -1 after an unclean one. */
  get previousBrokerEpoch(): number
  get progress(): RecoveryProgress

  get(topic: string, partition: number): Log | undefined
  /** Every log that is open. */
  all(): Iterable<Log>
  /**
   * The log of this replica, made when there is none. A log of another topic of the same name is put aside first. A new one goes
   * to `directory`, or to the one with the fewest replicas.
   */
  create(topic: string, partition: number, topicId: Uuid, directory?: string): Log | NoLog
  /** The replica leaves: its folder is renamed now and removed after file.delete.delay.ms. */
  delete(topic: string, partition: number): void
  /** Puts aside every log for which `isOurs` answers false: replicas that went away while the broker was down. */
  putStraysAside(isOurs: (topic: string, partition: number, topicId: Uuid) => boolean): void
  describe(): DescribedDirectory[]
  /** Copies the replica to the directory `path` while it goes on being used, then switches over. */
  moveReplica(
    topic: string,
    partition: number,
    path: string,
  ): {
    readonly error: 'NONE' | 'LOG_DIR_NOT_FOUND' | 'KAFKA_STORAGE_ERROR' | 'REPLICA_NOT_AVAILABLE'
    readonly message: string
  }
  /** False, with a sentence in the log, while the disk under this replica is too full for new records. */
  checkpointHighWatermarks(): Promise<void>
  /** Stops all periodic work and closes the logs; `clean` also syncs them, so that the next start reads nothing again. */
  close(options?: { clean?: boolean; brokerEpoch?: number }): Promise<void>
}
