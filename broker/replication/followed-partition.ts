import type { Uuid } from '../../protocol/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { SessionMember } from './follower-session.ts'
import type { Partition } from './partition.ts'

/** One partition that is followed in one leader epoch. */
export class FollowedPartition implements SessionMember {
  readonly partition: Partition
  readonly topicId: Uuid
  readonly index: number
  readonly leaderEpoch: number
  isAsked = false
  failures = 0
  leaderHighWatermark = -1
  toldLogStartOffset = -1
  /** Where the log ended when something was appended last. */
  appendedTo = -1
  #timer: Timer | undefined
  #unwatch: (() => void) | undefined

  constructor(partition: Partition) {
    this.partition = partition
    this.topicId = partition.topicId
    this.index = partition.index
    this.leaderEpoch = partition.state.leaderEpoch
  }

  position(partitionMaxBytes: number) {
    const { log } = this.partition
    this.toldLogStartOffset = log.logStartOffset
    return {
      partition: this.index,
      currentLeaderEpoch: this.leaderEpoch,
      fetchOffset: log.nextOffset,
      lastFetchedEpoch: log.leaderEpochs.latestEpoch,
      logStartOffset: log.logStartOffset,
      partitionMaxBytes,
    }
  }

  restFor(clock: Clock, delayMs: number, then: () => void): void {
    this.stopWaiting()
    this.#timer = clock.after(delayMs, then)
  }

  waitForWrite(then: () => void): void {
    this.stopWaiting()
    const { partition } = this
    const watcher = {
      partitionMoved: () => {
        if (partition.log.logEndOffset < partition.log.nextOffset) return
        this.stopWaiting()
        then()
      },
    }
    partition.watch(watcher)
    this.#unwatch = () => partition.unwatch(watcher)
  }

  stopWaiting(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#unwatch?.()
    this.#unwatch = undefined
  }
}
