import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { markedFolderName, replicaName } from './directory-names.ts'
import type { Disk } from './disk.ts'
import type { LogDirectory, Replica } from './log-directory.ts'
import { ReplicaMove } from './move-replica.ts'

export interface ReplicaMovesParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  /** The setting replica.alter.log.dirs.io.max.bytes.per.second. */
  readonly bytesPerSecond: () => number
  readonly onMoved: (replica: Replica) => void
}

/** The replicas of this broker that are being copied to another directory, each by one loop that ends by itself. */
export class ReplicaMoves {
  readonly #parts: ReplicaMovesParts
  /** By replica name. */
  readonly #moves = new Map<string, ReplicaMove>()

  constructor(parts: ReplicaMovesParts) {
    this.#parts = parts
  }

  get(topic: string, partition: number): ReplicaMove | undefined {
    return this.#moves.get(replicaName(topic, partition))
  }

  to(directory: LogDirectory): readonly ReplicaMove[] {
    return [...this.#moves.values()].filter(({ target }) => target === directory)
  }

  start(replica: Replica, source: LogDirectory, target: LogDirectory): void {
    const { disk, clock, logger, random, bytesPerSecond, onMoved } = this.#parts
    const { topic, partition, topicId } = replica
    const folder = `${target.path}/${markedFolderName(topic, partition, 'future', random)}`
    const future = target.attempt(() =>
      target.make({ topic, partition, folder, topicId }, replica.log?.logStartOffset),
    )
    if (future === undefined) return
    const move = new ReplicaMove(future, {
      disk,
      clock,
      logger,
      source,
      target,
      replica,
      bytesPerSecond,
      onSwitched: onMoved,
    })
    const name = replicaName(topic, partition)
    this.#moves.set(name, move)
    move
      .run()
      .catch((error: unknown) => {
        logger.error(
          { topic, partition, target: target.path, err: error },
          'A replica could not be moved; it stays where it is.',
        )
        move.cancel()
      })
      .finally(() => {
        if (this.#moves.get(name) === move) this.#moves.delete(name)
      })
  }

  /** Called off; the copy is removed. Nothing when the replica is not being moved. */
  end(topic: string, partition: number): void {
    const name = replicaName(topic, partition)
    this.#moves.get(name)?.cancel()
    this.#moves.delete(name)
  }

  /** The broker stops: the next start begins them anew. */
  suspend(): void {
    for (const move of this.#moves.values()) move.suspend()
  }
}
