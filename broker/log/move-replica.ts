import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { saveLeaderEpochs } from './leader-epoch-file.ts'
import { divergenceOffset, LeaderEpochs } from './leader-epochs.ts'
import { replicaName } from './directory-names.ts'
import type { Disk } from './disk.ts'
import type { Log } from './log.ts'
import { closeAtOnce, type LogDirectory, type Replica } from './log-directory.ts'
import { writeProducerSnapshot } from './producer-snapshots.ts'

const bytesPerStep = 1024 * 1024

/** While the last records are not readable yet: how long until the next look. */
const waitMs = 5

export interface ReplicaMoveParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly source: LogDirectory
  readonly target: LogDirectory
  readonly replica: Replica
  /** The setting replica.alter.log.dirs.io.max.bytes.per.second. */
  readonly bytesPerSecond: () => number
  /** The copy has taken the replica's place. */
  readonly onSwitched: (moved: Replica) => void
}

/**
 * Copies a replica to another log directory of this broker while it goes on being used, and switches over when nothing
 * is missing. The copy stands in a `-future` folder until then; after a crash it is made anew from its beginning.
 *
 * The switch happens within one turn, so no append comes between. It renames first the copy to its place and then the
 * original away: a crash between the two leaves two whole replicas, of which the next start keeps one.
 */
export class ReplicaMove {
  readonly target: LogDirectory
  readonly #parts: ReplicaMoveParts
  readonly #future: Replica
  readonly #stop = new AbortController()

  /** `future`: the copy, in its `-future` folder of the target, with an open and empty log. */
  constructor(future: Replica, parts: ReplicaMoveParts) {
    this.target = parts.target
    this.#future = future
    this.#parts = parts
  }

  get replica(): Replica {
    return this.#parts.replica
  }

  get future(): Replica {
    return this.#future
  }

  /** Records that the copy still lacks. */
  get offsetLag(): number {
    return Math.max(0, (this.replica.log?.logEndOffset ?? 0) - (this.#future.log?.logEndOffset ?? 0))
  }

  /** Resolves when the copy has taken over or the move has ended without; rejects with what no disk is to blame for. */
  async run(): Promise<void> {
    let isSynced = false
    while (this.#isUnderWay) {
      const copied = await this.#copySome()
      if (!this.#isUnderWay) return
      if (copied > 0) {
        await this.#pause(Math.max(0, (copied / this.#parts.bytesPerSecond()) * 1000))
        // What comes after a sync is little; it is as safe as what was just appended to the original.
        if (copied >= bytesPerStep) isSynced = false
      } else if (!isSynced) {
        await this.#future.log?.flush()
        isSynced = true
      } else if (this.#hasAll()) {
        this.#switch()
        return
      } else {
        await this.#pause(waitMs)
      }
    }
  }

  /** Ends the copying; the copy is removed. */
  cancel(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.target.attempt(() => this.target.remove(this.#future))
  }

  /** Ends the copying, but leaves the folder: the next start begins anew from it. */
  suspend(): void {
    this.#stop.abort()
  }

  get #isUnderWay(): boolean {
    return !this.#stop.signal.aborted && this.#parts.source.isOnline && this.target.isOnline
  }

  /** Bytes copied; 0 when the copy has all that is readable. */
  async #copySome(): Promise<number> {
    const [original, copy] = this.#logs()
    this.#align(original, copy)
    if (copy.nextOffset >= original.logEndOffset) return 0
    const read = original.read({
      offset: copy.nextOffset,
      maxBytes: bytesPerStep,
      minOneBatch: true,
      upTo: original.logEndOffset,
    })
    if ('error' in read) {
      if (read.error === 'OFFSET_OUT_OF_RANGE') copy.truncateFullyAndStartAt(original.logStartOffset)
      return 0
    }
    let bytes: Buffer
    if (read.recent) {
      bytes = Buffer.allocUnsafe(read.records.length)
      read.records.readInto(bytes, 0)
    } else {
      bytes = await read.load()
      if (!this.#isUnderWay) return 0
    }
    const outcome = copy.appendAsFollower(bytes)
    if (outcome.kind === 'refused' && this.#isUnderWay) throw new Error(outcome.message)
    return bytes.length
  }

  /** The original may have been cut meanwhile, or lost records at its start. */
  #align(original: Log, copy: Log): void {
    const commonEnd = divergenceOffset(
      { epochs: copy.leaderEpochs, endOffset: copy.nextOffset },
      { epochs: original.leaderEpochs, endOffset: original.nextOffset },
    )
    if (commonEnd < copy.nextOffset) copy.truncateTo(Math.max(commonEnd, copy.logStartOffset))
    if (copy.nextOffset < original.logStartOffset) copy.truncateFullyAndStartAt(original.logStartOffset)
    copy.advanceHighWatermark(original.highWatermark)
  }

  #hasAll(): boolean {
    const [original, copy] = this.#logs()
    return copy.logEndOffset === original.nextOffset && copy.nextOffset === original.nextOffset
  }

  #switch(): void {
    const { source, replica, onSwitched, logger } = this.#parts
    const [original, copy] = this.#logs()
    const { topic, partition, topicId } = replica
    const checkpoints = {
      logStartOffset: original.logStartOffset,
      highWatermark: original.highWatermark,
      recoveryPoint: Math.min(copy.recoveryPoint, copy.nextOffset),
    }
    const moved = this.target.attempt(() => {
      this.#closeCopy(original, copy)
      const folder = `${this.target.path}/${replicaName(topic, partition)}`
      this.#parts.disk.rename(this.#future.folder, folder)
      return this.target.open(
        { topic, partition, folder, topicId, log: undefined, problem: undefined },
        checkpoints,
      )
    })
    if (moved === undefined) return
    this.#stop.abort()
    source.attempt(() => source.remove(replica))
    logger.info(
      { topic, partition, from: source.path, to: this.target.path },
      'A replica was moved to another log directory.',
    )
    onSwitched(moved)
  }

  /** The original knows more than its records tell: epochs without records, producers whose records are deleted. */
  #closeCopy(original: Log, copy: Log): void {
    const { disk } = this.#parts
    closeAtOnce(copy)
    writeProducerSnapshot(disk, this.#future.folder, original.nextOffset, original.producers)
    const epochs = new LeaderEpochs()
    for (const { epoch, startOffset } of original.leaderEpochs.entries) epochs.assign(epoch, startOffset)
    saveLeaderEpochs(disk, this.#future.folder, epochs)
  }

  #logs(): [original: Log, copy: Log] {
    const original = this.replica.log
    const copy = this.#future.log
    if (original === undefined || copy === undefined)
      throw new Error('A replica that is moved has two open logs.')
    return [original, copy]
  }

  async #pause(delayMs: number): Promise<void> {
    try {
      await sleep(this.#parts.clock, delayMs, this.#stop.signal)
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    }
  }
}
