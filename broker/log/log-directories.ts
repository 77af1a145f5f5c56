import { resolve } from 'node:path'
import type { Uuid } from '../../protocol/index.ts'
import { every, type Timer } from '../../runtime/clock.ts'
import { type DescribedDirectory, type DirectoryFacts, directoryFacts, logsIn } from './describe-directory.ts'
import { replicaName } from './directory-names.ts'
import { loadReplicas } from './load-replicas.ts'
import { Log } from './log.ts'
import { LogDirectory, type Replica, unknownTopicId } from './log-directory.ts'
import type {
  LogDirectoriesOptions,
  LogDirectorySettings,
  MoveOutcome,
  NoLog,
} from './log-directories-options.ts'
import { commonCleanStop, prepareDirectories } from './prepare-directories.ts'
import type { PreparedDirectory } from './prepare-directory.ts'
import { checkpointKinds } from './offset-checkpoint.ts'
import type { Recoverer } from './recoverer.ts'
import { type RecoveryProgress, RecoveryTracker } from './recovery-progress.ts'
import { recoveryThreads } from './recovery-threads.ts'
import { ReplicaMoves } from './replica-moves.ts'
import { type FindReplica, resolveDoubles, tidyFolders } from './settle-folders.ts'
import { SpaceWatch } from './space-watch.ts'
import { Upkeep } from './upkeep.ts'

/**
 * All log directories of this broker and the logs in them. A directory whose disk fails takes its own replicas offline and
 * nothing else.
 */
export class LogDirectories {
  readonly #options: LogDirectoriesOptions
  readonly #settings: () => LogDirectorySettings
  readonly #directories: LogDirectory[] = []
  /** Directories that failed before anything in them was known. */
  readonly #unknown = new Map<string, Error>()
  readonly #spaces = new Map<string, SpaceWatch>()
  readonly #moves: ReplicaMoves
  /** Where replicas that are not here yet were asked to be made. */
  readonly #wanted = new Map<string, string>()
  readonly #tracker: RecoveryTracker
  #cleanStopEpoch: number | undefined
  #timers: Timer[] = []
  #upkeep: Upkeep | undefined

  /**
   * Locks the directories, checks whose they are, and opens every log; after an unclean stop the ends of the logs are read
   * again first. Rejects with a sentence when a directory belongs to somebody else or when none can be used.
   */
  static async open(options: LogDirectoriesOptions): Promise<LogDirectories> {
    const directories = new LogDirectories(options)
    await directories.#open()
    return directories
  }

  private constructor(options: LogDirectoriesOptions) {
    this.#options = options
    const { settings } = options
    this.#settings = typeof settings === 'function' ? settings : () => settings
    this.#moves = new ReplicaMoves({
      disk: options.disk,
      clock: options.clock,
      logger: options.logger,
      random: options.random,
      bytesPerSecond: () => this.#settings()['replica.alter.log.dirs.io.max.bytes.per.second'],
      onMoved: ({ topic, partition, log }) => {
        if (log !== undefined) options.onReplicaMoved?.(topic, partition, log)
      },
    })
    this.#tracker = new RecoveryTracker(options.clock, progress => options.onProgress?.(progress))
  }

  /** Ids of the directories that are online, for the broker's registration. */
  get directoryIds(): readonly Uuid[] {
    return this.#online().map(({ id }) => id)
  }

  /** Whether none of them takes new replicas (cordoned.log.dirs, KIP-1066). */
  get isCordoned(): boolean {
    const cordoned = this.#cordoned()
    return this.#online().every(({ path }) => cordoned.has(path))
  }

  /** The broker epoch at the last clean stop; -1 after an unclean one. */
  get previousBrokerEpoch(): number {
    return this.#cleanStopEpoch ?? -1
  }

  get progress(): RecoveryProgress {
    return this.#tracker.progress
  }

  get(topic: string, partition: number): Log | undefined {
    return this.#find(topic, partition)?.replica.log
  }

  /** The id of the directory in which the replica is; undefined while it has no log, or on a disk that failed. */
  directoryOf(topic: string, partition: number): Uuid | undefined {
    const found = this.#find(topic, partition)
    return found?.directory.isOnline === true && found.replica.log !== undefined
      ? found.directory.id
      : undefined
  }

  /** Every log that is open, on disks that work. */
  *all(): Generator<Log, void, undefined> {
    for (const directory of this.#online()) {
      for (const { log } of directory.replicas()) if (log !== undefined) yield log
    }
  }

  /**
   * The log of this replica, made when there is none. A log of another topic of the same name is put aside first. A new one goes
   * to `directory`, or to the one with the fewest replicas. While the content of some directory is not known only replicas
   * that are `isNew` in the cluster are made: another might be there, and an empty log must not pass for it.
   */
  create(
    topic: string,
    partition: number,
    topicId: Uuid,
    options: { readonly directory?: string; readonly isNew?: boolean } = {},
  ): Log | NoLog {
    const found = this.#find(topic, partition)
    if (found !== undefined) {
      const existing = this.#existing(found, topicId)
      if (existing !== undefined) return existing
    } else if (this.#unknown.size > 0 && options.isNew !== true) {
      const [path] = this.#unknown.keys()
      return noLog(`The replica may be in ${path}, which is offline.`)
    }
    const directory = this.#directoryForNew(topic, partition, options.directory)
    if (directory === undefined) return noLog('No log directory takes new replicas.')
    const replica = directory.attempt(() => directory.create(topic, partition, topicId))
    this.#wanted.delete(replicaName(topic, partition))
    return replica?.log ?? noLog(directory.error?.message ?? `${directory.path} is offline.`)
  }

  /** The replica leaves: its folder is renamed now and removed after file.delete.delay.ms. */
  delete(topic: string, partition: number): void {
    this.#wanted.delete(replicaName(topic, partition))
    const found = this.#find(topic, partition)
    if (found === undefined) return
    this.#moves.end(topic, partition)
    found.directory.attempt(() => found.directory.remove(found.replica))
  }

  /** Puts aside every log for which `isOurs` answers false: replicas that went away while the broker was down. */
  putStraysAside(isOurs: (topic: string, partition: number, topicId: Uuid) => boolean): void {
    for (const directory of this.#online()) {
      for (const replica of directory.replicas()) {
        const { topic, partition, topicId } = replica
        if (isOurs(topic, partition, topicId)) continue
        this.#moves.end(topic, partition)
        directory.attempt(() => directory.putAside(replica, 'The cluster does not place this replica here.'))
      }
    }
  }

  /** Every directory, those that failed too. */
  facts(): DirectoryFacts[] {
    const cordoned = this.#cordoned()
    const unknown = Array.from(this.#unknown, ([path, error]) => ({ path, id: unknownTopicId, error }))
    return [...this.#directories, ...unknown].map(directory =>
      directoryFacts(directory, {
        space: this.#spaces.get(directory.path),
        isCordoned: cordoned.has(directory.path),
      }),
    )
  }

  /** The same with the logs in them. */
  describe(): DescribedDirectory[] {
    return this.facts().map((facts, at) => {
      const directory = this.#directories[at]
      return { ...facts, logs: directory === undefined ? [] : logsIn(directory, this.#moves.to(directory)) }
    })
  }

  /** Copies the replica to the directory `path` while it goes on being used, then switches over. */
  moveReplica(topic: string, partition: number, path: string): MoveOutcome {
    const target = this.#directories.find(directory => directory.path === resolve(path))
    if (target === undefined) {
      return this.#unknown.has(resolve(path))
        ? { error: 'KAFKA_STORAGE_ERROR', message: `${path} is offline.` }
        : { error: 'LOG_DIR_NOT_FOUND', message: `${path} is none of this broker's log directories.` }
    }
    if (!target.isOnline) return { error: 'KAFKA_STORAGE_ERROR', message: `${path} is offline.` }
    const found = this.#find(topic, partition)
    if (found === undefined) {
      this.#wanted.set(replicaName(topic, partition), target.path)
      const message = `${replicaName(topic, partition)} is not here yet; if it comes it will be made in ${path}.`
      return { error: 'REPLICA_NOT_AVAILABLE', message }
    }
    if (!found.directory.isOnline || found.replica.log === undefined) {
      return { error: 'KAFKA_STORAGE_ERROR', message: `${replicaName(topic, partition)} is offline.` }
    }
    if (this.#moves.get(topic, partition)?.target === target) return done
    this.#moves.end(topic, partition)
    if (found.directory !== target) this.#moves.start(found.replica, found.directory, target)
    return done
  }

  /** Writes the checkpoint files that have changed; also done from time to time, and by `close`. */
  async checkpoint(): Promise<void> {
    for (const kind of checkpointKinds) await this.#checkpoint(kind)
  }

  /** The recovery points of all logs, as they are now, survive a power cut when it resolves. */
  async settleRecoveryPoints(): Promise<void> {
    await Promise.all(this.#directories.map(directory => directory.settleRecoveryPoints()))
  }

  /**
   * Stops all periodic work and closes the logs. A clean stop also syncs everything and says so in each directory, so that
   * the next start reads nothing again. `brokerEpoch` goes with it (-1: not known).
   */
  async close(options: { readonly clean?: boolean; readonly brokerEpoch?: number } = {}): Promise<void> {
    const { clean = true, brokerEpoch = -1 } = options
    for (const timer of this.#timers) timer.cancel()
    this.#upkeep?.stop()
    for (const space of this.#spaces.values()) space.stop()
    this.#moves.suspend()
    await Promise.all(this.#directories.map(directory => directory.close(clean ? brokerEpoch : undefined)))
  }

  async #open(): Promise<void> {
    const { clusterId, nodeId, disk, random, logger } = this.#options
    const { prepared, failed } = prepareDirectories(this.#paths(), {
      clusterId,
      nodeId,
      disk,
      random,
      logger,
    })
    for (const { path, error } of failed) this.#unknown.set(path, error)
    if (prepared.length === 0) throw new Error(`No log directory can be used: ${this.#reasons()}.`)
    for (const { path, error } of failed) this.#options.onDirectoryOffline(path, error, prepared.length)
    this.#cleanStopEpoch = commonCleanStop(prepared)
    const settings = this.#settings()
    const threads = settings['num.recovery.threads.per.data.dir'] * prepared.length
    const recoverer = this.#options.recoverer ?? recoveryThreads(threads)
    const pairs = prepared.map(found => ({ found, directory: this.#adopt(found) }))
    try {
      await Promise.all(pairs.map(({ found, directory }) => this.#load(found, directory, recoverer)))
    } finally {
      await recoverer.close()
    }
    if (this.#online().length === 0) {
      await this.close({ clean: false })
      throw new Error(`No log directory can be used: ${this.#reasons()}.`)
    }
    resolveDoubles(this.#online())
    const parts = { moves: this.#moves, logger, find: this.#find }
    for (const { found, directory } of pairs) tidyFolders(found, directory, parts)
    this.#startTimers(settings)
  }

  #paths(): readonly string[] {
    const settings = this.#settings()
    return [...new Set((settings['log.dirs'] ?? settings['log.dir']).map(path => resolve(path)))]
  }

  #reasons(): string {
    const failed = this.#directories.flatMap(({ path, error }) =>
      error === undefined ? [] : [[path, error] as const],
    )
    return [...this.#unknown, ...failed].map(([path, { message }]) => `${path}: ${message}`).join('; ')
  }

  #adopt(prepared: PreparedDirectory): LogDirectory {
    const { disk, clock, random, turn, logger, topicSettings } = this.#options
    const directory: LogDirectory = new LogDirectory(prepared, {
      disk,
      clock,
      random,
      turn,
      logger,
      deleteDelayMs: topic => topicSettings(topic)['file.delete.delay.ms'],
      openLog: (replica, checkpoints) => this.#openLog(directory, replica, checkpoints),
      onOffline: (failed, error) => this.#directoryFailed(failed, error),
    })
    this.#directories.push(directory)
    const space = new SpaceWatch(directory.path, {
      disk,
      clock,
      logger,
      reservedBytes: () => this.#settings()['log.dirs.reserved.bytes'],
      attempt: job => directory.attempt(job),
    })
    this.#spaces.set(directory.path, space)
    return directory
  }

  #openLog(directory: LogDirectory, replica: Replica, checkpoints: Parameters<typeof Log.open>[1]): Log {
    const { topicSettings, disk, clock, random, turn, logger } = this.#options
    const { topic, partition, topicId, folder } = replica
    return Log.open(
      {
        directory: folder,
        topic,
        partition,
        topicId,
        settings: () => topicSettings(topic),
        disk,
        clock,
        random,
        turn,
        logger,
        isWritable: () => this.#spaces.get(directory.path)?.isFull !== true,
        onFailed: error => directory.fail(error),
        onRecoveryPointDue: () => directory.recoveryPointDue(),
        producerIdExpirationMs: this.#settings()['producer.id.expiration.ms'],
      },
      checkpoints,
    )
  }

  #load(prepared: PreparedDirectory, directory: LogDirectory, recoverer: Recoverer): Promise<void> {
    const { disk, clock, logger, topicSettings } = this.#options
    return loadReplicas(prepared, directory, {
      disk,
      clock,
      logger,
      recoverer,
      tracker: this.#tracker,
      producerIdExpirationMs: this.#settings()['producer.id.expiration.ms'],
      indexIntervalBytes: topic => topicSettings(topic)['index.interval.bytes'],
    })
  }

  #directoryFailed(directory: LogDirectory, error: Error): void {
    const remaining = this.#online().length
    this.#spaces.get(directory.path)?.stop()
    this.#options.logger.error(
      { directory: directory.path, replicas: directory.size, remaining, err: error },
      'A log directory has failed; its replicas are offline.',
    )
    this.#options.onDirectoryOffline(directory.path, error, remaining)
  }

  #startTimers(settings: LogDirectorySettings): void {
    const { clock, logger } = this.#options
    const periodically = (kind: Parameters<LogDirectory['checkpoint']>[0], periodMs: number): Timer =>
      every(clock, Math.max(periodMs, 1), () => void this.#checkpoint(kind))
    this.#timers = [
      periodically('recoveryPoint', settings['log.flush.offset.checkpoint.interval.ms']),
      periodically('logStart', settings['log.flush.start.offset.checkpoint.interval.ms']),
      periodically('highWatermark', settings['replica.high.watermark.checkpoint.interval.ms']),
    ]
    // What a checkpoint file does not name is younger than the file: it has to be there from the beginning.
    this.checkpoint().catch((error: unknown) => {
      logger.error({ err: error }, 'The checkpoints could not be written.')
    })
    this.#upkeep = new Upkeep({
      clock,
      logger,
      logs: () => this.all(),
      retentionCheckMs: settings['log.retention.check.interval.ms'],
      producerIdExpirationMs: () => this.#settings()['producer.id.expiration.ms'],
    })
  }

  async #checkpoint(kind: Parameters<LogDirectory['checkpoint']>[0]): Promise<void> {
    await Promise.all(this.#directories.map(directory => directory.checkpoint(kind)))
  }

  /** What there is of this replica already; undefined when it was another topic's and a new log is to be made. */
  #existing(found: { directory: LogDirectory; replica: Replica }, topicId: Uuid): Log | NoLog | undefined {
    const { directory, replica } = found
    if (!directory.isOnline) return noLog(directory.error?.message ?? `${directory.path} is offline.`)
    if (replica.topicId === unknownTopicId) {
      directory.attempt(() => directory.takeTopicId(replica, topicId))
    } else if (replica.topicId !== topicId) {
      this.#moves.end(replica.topic, replica.partition)
      const reason = `It belongs to a topic of the same name with id ${replica.topicId}; now it is ${topicId}.`
      directory.attempt(() => directory.putAside(replica, reason))
      return undefined
    }
    return replica.log ?? noLog(replica.problem ?? directory.error?.message ?? 'The log could not be opened.')
  }

  #directoryForNew(topic: string, partition: number, path: string | undefined): LogDirectory | undefined {
    const wanted = path === undefined ? this.#wanted.get(replicaName(topic, partition)) : resolve(path)
    const online = this.#online()
    const asked = online.find(directory => directory.path === wanted)
    if (asked !== undefined) return asked
    const cordoned = this.#cordoned()
    const candidates = online.filter(directory => !cordoned.has(directory.path))
    return candidates.reduce<LogDirectory | undefined>(
      (best, next) => (best === undefined || next.size < best.size ? next : best),
      undefined,
    )
  }

  #cordoned(): ReadonlySet<string> {
    const paths = this.#settings()['cordoned.log.dirs']
    return new Set(
      paths.includes('*') ? this.#directories.map(({ path }) => path) : paths.map(path => resolve(path)),
    )
  }

  #online(): LogDirectory[] {
    return this.#directories.filter(directory => directory.isOnline)
  }

  readonly #find: FindReplica = (topic, partition) => {
    for (const directory of this.#directories) {
      const replica = directory.replica(topic, partition)
      if (replica !== undefined) return { directory, replica }
    }
    return undefined
  }
}

const done: MoveOutcome = { error: 'NONE', message: '' }

function noLog(message: string): NoLog {
  return { error: 'KAFKA_STORAGE_ERROR', message }
}
