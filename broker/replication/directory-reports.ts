import type { ErrorName, Uuid } from '../../protocol/index.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { isAlive, type MetadataImage } from '../metadata/image.ts'

/** Replicas told in one command, and how long changes are gathered before they are told. */
const mostAtOnce = 2000
const gatheredForMs = 50

/**
 * Tells the controller in which log directory each replica of this broker is, wherever the metadata says something
 * else or nothing (KIP-858): after replicas were made or moved, and after the broker came back with another disk.
 */
export class DirectoryReports {
  readonly #options: DirectoryReportsOptions
  #unchecked = new Set<Uuid>()
  #timer: Timer | undefined
  #attempt = 0
  #work: Promise<void> | undefined
  #closed = false

  constructor(options: DirectoryReportsOptions) {
    this.#options = options
  }

  /** The replicas of these topics may be elsewhere than the metadata says. */
  check(topics: Iterable<Uuid>): void {
    for (const id of topics) this.#unchecked.add(id)
    if (this.#timer === undefined && this.#work === undefined) this.#soon(gatheredForMs)
  }

  /** Tells nothing any more when it resolves. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#work
  }

  #soon(delayMs: number): void {
    if (this.#closed || this.#unchecked.size === 0) return
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined
      const told = this.#tell().catch((error: unknown) => {
        this.#options.logger.error({ err: error }, 'Where the replicas are could not be told.')
        return false
      })
      this.#work = told.then(complete => {
        this.#work = undefined
        this.#attempt = complete ? 0 : this.#attempt + 1
        const waitMs = backoffMs(this.#attempt, { firstMs: 100, mostMs: 5000 }, this.#options.random)
        this.#soon(complete ? gatheredForMs : waitMs)
      })
    })
  }

  /** False when it has to be tried again. */
  async #tell(): Promise<boolean> {
    const { image, brokerId, brokerEpoch } = this.#options
    const epoch = brokerEpoch()
    if (epoch === undefined || !isAlive(image(), brokerId)) return false
    const topics = [...this.#unchecked]
    const assignments = topics.flatMap(id => this.#differences(id))
    this.#unchecked = new Set()
    if (await this.#tellAll(assignments, epoch)) return true
    for (const id of topics) this.#unchecked.add(id)
    return false
  }

  async #tellAll(assignments: readonly DirectoryDifference[], epoch: number): Promise<boolean> {
    const { brokerId, assign, logger, timeoutMs } = this.#options
    for (let from = 0; from < assignments.length; from += mostAtOnce) {
      const { error, message, results } = await assign({
        brokerId,
        brokerEpoch: epoch,
        assignments: assignments.slice(from, from + mostAtOnce),
        timeoutMs: timeoutMs(),
      })
      const failed = error === 'NONE' ? results.find(result => isPassing(result.error)) : { error, message }
      if (failed === undefined) continue
      logger.debug(failed, 'The controller could not be told yet where replicas are.')
      return false
    }
    return true
  }

  #differences(topicId: Uuid): DirectoryDifference[] {
    const { image, brokerId, directoryOf } = this.#options
    const topic = image().topicsById.get(topicId)
    const differences: DirectoryDifference[] = []
    for (const [partitionIndex, { replicas, directories }] of topic?.partitions.entries() ?? []) {
      const at = replicas.indexOf(brokerId)
      const directory = at === -1 ? undefined : directoryOf(topic?.name ?? '', partitionIndex)
      if (directory !== undefined && directories[at] !== directory)
        differences.push({ topicId, partitionIndex, directory })
    }
    return differences
  }
}

/** Refusals that stay are told again when the topic changes; others are over soon. */
function isPassing(error: ErrorName): boolean {
  return error === 'NOT_CONTROLLER' || error === 'REQUEST_TIMED_OUT'
}

interface DirectoryDifference {
  readonly topicId: Uuid
  readonly partitionIndex: number
  readonly directory: Uuid
}

interface Told {
  readonly error: ErrorName
  readonly message: string | null
}

export interface DirectoryReportsOptions {
  readonly brokerId: number
  readonly brokerEpoch: () => number | undefined
  readonly image: () => MetadataImage
  /** Where the replica is; undefined while it has no log, or on a disk that failed. */
  readonly directoryOf: (topic: string, partition: number) => Uuid | undefined
  readonly assign: (command: {
    readonly brokerId: number
    readonly brokerEpoch: number
    readonly assignments: readonly DirectoryDifference[]
    readonly timeoutMs: number
  }) => Promise<Told & { readonly results: readonly Told[] }>
  readonly timeoutMs: () => number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}
