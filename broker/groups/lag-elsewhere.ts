import { type Clock, every, type Timer } from '../../runtime/clock.ts'

/** How far behind a group is in a partition. */
export interface Lag {
  readonly records: number
  /** Age of the record at the position, 0 at the end; undefined: not known. */
  readonly seconds: number | undefined
}

export interface PlacedPosition {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Leaders are asked again after that long, counted from the last question. */
export const askEveryMs = 10_000
const answersWithinMs = 5000
/** Older answers are not told any more. */
const oldestMs = 3 * askEveryMs

/**
 * The lag of groups in partitions that other brokers lead: these are asked every ten seconds, each with one question for
 * all positions, which the caller bounds. Nobody waits for it; who reads finds what was answered last.
 */
export class LagElsewhere {
  readonly #options: LagElsewhereOptions
  readonly #stopping = new AbortController()
  readonly #byLeader = new Map<number, Answered>()
  readonly #asking = new Set<number>()
  readonly #timer: Timer

  constructor(options: LagElsewhereOptions) {
    this.#options = options
    this.#timer = every(options.clock, askEveryMs, () => this.#askAll())
  }

  of(group: string, topic: string, partition: number): Lag | undefined {
    const leader = this.#options.leaderElsewhere(topic, partition)
    const answered = leader === undefined ? undefined : this.#byLeader.get(leader)
    if (answered === undefined || this.#options.clock.monotonicMs() - answered.atMs > oldestMs)
      return undefined
    return answered.lags.get(keyOf(group, topic, partition))
  }

  stop(): void {
    this.#timer.cancel()
    this.#stopping.abort(new Error('This broker stops.'))
  }

  #askAll(): void {
    const asked = new Map<number, PlacedPosition[]>()
    for (const position of this.#options.positions()) {
      const leader = this.#options.leaderElsewhere(position.topic, position.partition)
      if (leader === undefined) continue
      const positions = asked.get(leader)
      if (positions === undefined) asked.set(leader, [position])
      else positions.push(position)
    }
    for (const leader of this.#byLeader.keys()) if (!asked.has(leader)) this.#byLeader.delete(leader)
    for (const [leader, positions] of asked) if (!this.#asking.has(leader)) void this.#ask(leader, positions)
  }

  async #ask(leader: number, positions: readonly PlacedPosition[]): Promise<void> {
    const { ask, clock } = this.#options
    this.#asking.add(leader)
    try {
      const answers = await ask(leader, positions, answersWithinMs, this.#stopping.signal)
      if (answers?.length !== positions.length) return
      const lags = new Map<string, Lag>()
      for (const [index, { group, topic, partition, offset }] of positions.entries()) {
        const lag = lagOf(offset, answers[index]!, clock.nowMs())
        if (lag !== undefined) lags.set(keyOf(group, topic, partition), lag)
      }
      this.#byLeader.set(leader, { atMs: clock.monotonicMs(), lags })
    } catch {
      // A broker that says what nobody understands is as one that says nothing: what it said last grows old.
    } finally {
      this.#asking.delete(leader)
    }
  }
}

export interface LagElsewhereOptions {
  /** All that are to be told of, whoever leads. */
  readonly positions: () => Iterable<PlacedPosition>
  /** Undefined: this broker leads the partition, or nobody does. */
  readonly leaderElsewhere: (topic: string, partition: number) => number | undefined
  /** One answer for each position, in order. Undefined: there was none. */
  readonly ask: (
    leader: number,
    positions: readonly PlacedPosition[],
    withinMs: number,
    signal: AbortSignal,
  ) => Promise<readonly AtLeader[] | undefined>
  readonly clock: Clock
}

interface AtLeader {
  /** Null: it does not lead the partition. */
  readonly highWatermark: number | null
  /** When the record at the position was written; null: not known. */
  readonly timeMs: number | null
}

interface Answered {
  readonly atMs: number
  readonly lags: ReadonlyMap<string, Lag>
}

function lagOf(offset: number, { highWatermark, timeMs }: AtLeader, nowMs: number): Lag | undefined {
  if (highWatermark === null) return undefined
  if (offset >= highWatermark) return { records: 0, seconds: 0 }
  const seconds = timeMs === null ? undefined : Math.max(0, nowMs - timeMs) / 1000
  return { records: highWatermark - offset, seconds }
}

function keyOf(group: string, topic: string, partition: number): string {
  return `${partition}/${topic}/${group}` // a topic's name has no slash
}
