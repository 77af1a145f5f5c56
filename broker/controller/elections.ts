import type { Logger } from '../../runtime/logger.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { MetadataChange } from '../metadata/keys.ts'
import { type ElectionKind, electionKind } from './partition-change.ts'

/** Uncleanly elected partitions that are told one by one for each transaction; the rest is counted. */
const mostTold = 20

/** Counts the elections that this process decided as controller, and tells of those that may have lost records. */
export class Elections {
  readonly #logger: Logger
  readonly #counts: Record<ElectionKind, number> = {
    clean: 0,
    eligible: 0,
    'last known leader': 0,
    unclean: 0,
  }

  constructor(logger: Logger) {
    this.#logger = logger
  }

  get total(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0)
  }

  /** Of these, how many may have lost records: nobody in sync or eligible was there. */
  get unclean(): number {
    return this.#counts.unclean + this.#counts['last known leader']
  }

  /** `changes` were committed on top of `image`. */
  committed(image: MetadataImage, changes: readonly MetadataChange[]): void {
    let untold = 0
    let told = 0
    for (const change of changes) {
      if (change.kind !== 'partition' || change.partition === null) continue
      const topic = image.topicsById.get(change.topicId)
      const before = topic?.partitions[change.index]
      const kind = before === undefined ? null : electionKind(before, change.partition)
      if (topic === undefined || before === undefined || kind === null) continue
      this.#counts[kind]++
      if (kind === 'clean' || kind === 'eligible') continue
      if (++told > mostTold) {
        untold++
        continue
      }
      const { leader, leaderEpoch } = change.partition
      const { isr, elr } = before
      const fields = { topic: topic.name, partition: change.index, kind, leader, leaderEpoch, isr, elr }
      this.#logger.warn(fields, 'A leader was elected that may lack acknowledged records.')
    }
    if (untold > 0) {
      this.#logger.warn(
        { partitions: untold },
        'More leaders were elected that may lack acknowledged records.',
      )
    }
  }
}
