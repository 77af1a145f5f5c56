/**
 * Judges a history of sends and polls of one topic whose cleanup policy deletes nothing while it runs. Pure, fed event by
 * event in any order between processes; memory is a few dozen bytes for each value, whatever the number of readers.
 *
 * Values are small non-negative integers; each is sent once, and every process sends ascending ones to a partition.
 */
import { assert } from '../../runtime/assert.ts'
import type { HistoryEvent } from './history.ts'
import { Numbers } from './numbers.ts'

export const anomalyKinds = {
  'inconsistent-offset': 'two values were seen at one offset',
  duplicate: 'a value was seen at two offsets',
  'wrong-partition': 'a value was seen in another partition than it was sent to',
  'lost-write': 'an acknowledged value was never read, though something behind it was',
  unseen: 'an acknowledged value was not read by the end, and nothing behind it either',
  'aborted-read': 'a value was read whose send failed for certain',
  'unwritten-read': 'a value was read that nobody sent',
  'spurious-offset': 'a send was acknowledged with an offset that no record can have',
  'nonmonotonic-send': 'a later send of one process got a lower offset',
  'nonmonotonic-poll': 'a process read an offset that was not behind the one before',
  'poll-skip': 'a process went past a record without reading it',
  'internal-nonmonotonic-poll': 'one poll gave offsets that do not ascend',
  'internal-poll-skip': 'one poll left out a record between two others',
} as const

export type AnomalyKind = keyof typeof anomalyKinds

export interface Anomaly {
  readonly kind: AnomalyKind
  /** How often. */
  readonly count: number
  /** The first few, in words. */
  readonly examples: readonly string[]
}

export interface Verdict {
  readonly anomalies: readonly Anomaly[]
  readonly sent: number
  readonly acknowledged: number
  readonly failed: number
  /** Sends whose outcome nobody knows, and those that were invoked and never heard of again. */
  readonly unknown: number
  /** Records read, by all readers together. */
  readonly read: number
  /** Values that a client sent anew as another producer, not knowing whether they had come: see HistoryChecker. */
  readonly sentAnew: number
  /** Highest offset that was read, by partition. */
  readonly lastRead: ReadonlyMap<number, number>
}

const examplesKept = 5

/** What became of a value, as bits. */
const invoked = 1
const acknowledged = 2
const failed = 4
const unknown = 8
const wasRead = 16

interface Gap {
  readonly kind: 'poll-skip' | 'internal-poll-skip'
  readonly process: number
  readonly partition: number
  readonly after: number
  readonly before: number
}

/** Whether the records at two offsets of a partition are of two producers, or of two epochs of one. */
export type WasSentAnew = (partition: number, one: number, other: number) => boolean

/**
 * Idempotence ends where a client has given up on a record of a partition: it goes on in a new producer epoch, and sends in it
 * again what it does not know to have come (KIP-360). Brokers cannot tell that from a new record. Such values are counted, and
 * are no anomaly; a value that stands twice in one epoch, or whose client never gave up on one there, is.
 */
export class HistoryChecker {
  readonly #wasSentAnew: WasSentAnew
  /** Values in two epochs, with where they stand; whether their clients gave up on something is known in the end. */
  readonly #sentAnew = new Map<number, string>()
  /** By process and partition. */
  readonly #gaveUp = new Set<string>()
  /** By value. */
  readonly #state = new Numbers(0)
  readonly #process = new Numbers(-1)
  readonly #partition = new Numbers(-1)
  readonly #offset = new Numbers(-1)
  /** By partition, then by offset: the value, -1 for none seen. */
  readonly #log = new Map<number, Numbers>()
  readonly #lastRead = new Map<number, number>()
  /** By process and partition: the offset it read last. */
  readonly #position = new Map<string, number>()
  readonly #gaps: Gap[] = []
  readonly #found = new Map<AnomalyKind, { count: number; examples: string[] }>()
  #readCount = 0

  constructor(wasSentAnew: WasSentAnew = () => false) {
    this.#wasSentAnew = wasSentAnew
  }

  add(event: HistoryEvent): void {
    if (event.kind === 'moved') this.#position.delete(`${event.process}/${event.partition}`)
    else if (event.kind === 'poll') this.#addPoll(event)
    else this.#addSend(event)
  }

  /** Whether a value was acknowledged so far. */
  isAcknowledged(value: number): boolean {
    return (this.#state.get(value) & acknowledged) !== 0
  }

  /** What is wrong so far, though the readers are still on their way: without what they may yet read. */
  get anomaliesSoFar(): readonly Anomaly[] {
    return [...this.#found].map(([kind, found]) => ({ kind, ...found }))
  }

  /** Call once, when the last reader has read everything. */
  finish(): Verdict {
    this.#judgeGaps()
    this.#judgeSentAnew()
    this.#judgeOrderOfSends()
    const counts = { sent: 0, acknowledged: 0, failed: 0, unknown: 0 }
    for (let value = 0; value < this.#state.length; value++) {
      const state = this.#state.get(value)
      if ((state & invoked) !== 0) counts.sent++
      if ((state & acknowledged) !== 0) counts.acknowledged++
      if ((state & failed) !== 0) counts.failed++
      if ((state & invoked) !== 0 && (state & (acknowledged | failed)) === 0) counts.unknown++
      this.#judgeValue(value, state)
    }
    return {
      ...counts,
      sentAnew: this.#sentAnew.size,
      anomalies: this.anomaliesSoFar,
      read: this.#readCount,
      lastRead: this.#lastRead,
    }
  }

  #addSend(event: HistoryEvent & { readonly kind: 'send' }): void {
    const { value, partition, process } = event
    const state = this.#state.get(value)
    if (event.type === 'invoke') {
      assert((state & invoked) === 0, `the value ${value} is sent twice, which a history must not do`)
      this.#state.set(value, state | invoked)
      this.#process.set(value, process)
      if (this.#partition.get(value) >= 0 && this.#partition.get(value) !== partition) {
        this.#report(
          'wrong-partition',
          `${value}, sent to ${partition}, seen in ${this.#partition.get(value)}`,
        )
      }
      this.#partition.set(value, partition)
      return
    }
    if (event.type === 'fail') this.#state.set(value, state | failed)
    if (event.type === 'info') {
      this.#state.set(value, state | unknown)
      this.#gaveUp.add(`${process}/${partition}`)
    }
    if (event.type !== 'ok') return
    this.#state.set(value, state | acknowledged)
    if (event.offset === null) return
    if (event.offset < 0) {
      this.#report('spurious-offset', `${value} in partition ${partition}: offset ${event.offset}`)
    } else {
      this.#seen(partition, event.offset, value)
    }
  }

  #addPoll({ process, partition, records }: HistoryEvent & { readonly kind: 'poll' }): void {
    const place = `${process}/${partition}`
    let last = this.#position.get(place)
    for (const [index, [offset, value]] of records.entries()) {
      if (last !== undefined) this.#judgeStep({ process, partition, after: last, before: offset }, index > 0)
      last = offset
      this.#seen(partition, offset, value)
      this.#state.set(value, this.#state.get(value) | wasRead)
    }
    if (last === undefined) return
    this.#readCount += records.length
    this.#position.set(place, last)
    this.#lastRead.set(partition, Math.max(last, this.#lastRead.get(partition) ?? -1))
  }

  #judgeStep(step: Omit<Gap, 'kind'>, internal: boolean): void {
    const { process, partition, after, before } = step
    if (before <= after) {
      const kind = internal ? 'internal-nonmonotonic-poll' : 'nonmonotonic-poll'
      this.#report(kind, `process ${process}, partition ${partition}: ${before} after ${after}`)
    } else if (before > after + 1) {
      // Whether something is between is known when everybody has told what they saw.
      this.#gaps.push({ kind: internal ? 'internal-poll-skip' : 'poll-skip', ...step })
    }
  }

  /** Somebody says that the value stands at the offset. */
  #seen(partition: number, offset: number, value: number): void {
    const log = this.#log.get(partition) ?? new Numbers(-1)
    this.#log.set(partition, log)
    const there = log.get(offset)
    if (there < 0) log.set(offset, value)
    else if (there !== value) {
      this.#report('inconsistent-offset', `partition ${partition}, offset ${offset}: ${there} and ${value}`)
    }
    const home = this.#partition.get(value)
    if (home < 0) this.#partition.set(value, partition)
    else if (home !== partition) {
      this.#report('wrong-partition', `${value}, sent to ${home}, seen in ${partition}`)
      return
    }
    const known = this.#offset.get(value)
    if (known < 0) this.#offset.set(value, offset)
    else if (known !== offset && !this.#sentAnew.has(value)) {
      const words = `${value} in partition ${partition}: at ${known} and ${offset}`
      if (this.#wasSentAnew(partition, known, offset)) this.#sentAnew.set(value, words)
      else this.#report('duplicate', words)
    }
  }

  #judgeGaps(): void {
    for (const { kind, process, partition, after, before } of this.#gaps) {
      const log = this.#log.get(partition)
      for (let offset = after + 1; offset < before; offset++) {
        const value = log?.get(offset) ?? -1
        if (value < 0) continue
        this.#report(
          kind,
          `process ${process}, partition ${partition}: from ${after} to ${before}, past ${value} at ${offset}`,
        )
        break
      }
    }
  }

  #judgeSentAnew(): void {
    for (const [value, words] of this.#sentAnew) {
      const place = `${this.#process.get(value)}/${this.#partition.get(value)}`
      if (this.#gaveUp.has(place)) continue
      this.#sentAnew.delete(value)
      this.#report('duplicate', words)
    }
  }

  #judgeOrderOfSends(): void {
    const last = new Map<string, { value: number; offset: number }>()
    for (let value = 0; value < this.#state.length; value++) {
      const offset = this.#offset.get(value)
      if ((this.#state.get(value) & acknowledged) === 0 || offset < 0) continue
      const place = `${this.#process.get(value)}/${this.#partition.get(value)}`
      const before = last.get(place)
      if (before !== undefined && before.offset >= offset) {
        const words = `process/partition ${place}: ${before.value} at ${before.offset}, then ${value} at ${offset}`
        this.#report('nonmonotonic-send', words)
      }
      last.set(place, { value, offset })
    }
  }

  #judgeValue(value: number, state: number): void {
    const partition = this.#partition.get(value)
    if ((state & wasRead) !== 0) {
      if ((state & invoked) === 0) this.#report('unwritten-read', `${value} in partition ${partition}`)
      if ((state & failed) !== 0) this.#report('aborted-read', `${value} in partition ${partition}`)
      return
    }
    if ((state & acknowledged) === 0) return
    const offset = this.#offset.get(value)
    const isBehindSomething = offset >= 0 && offset <= (this.#lastRead.get(partition) ?? -1)
    const where = `${value} in partition ${partition}, acknowledged at ${offset < 0 ? 'an unknown offset' : offset}`
    this.#report(isBehindSomething ? 'lost-write' : 'unseen', where)
  }

  #report(kind: AnomalyKind, example: string): void {
    const found = this.#found.get(kind) ?? { count: 0, examples: [] }
    this.#found.set(kind, found)
    found.count++
    if (found.examples.length < examplesKept) found.examples.push(example)
  }
}

/** One line an anomaly, or the good news. */
export function describeVerdict({ anomalies, ...counts }: Verdict): string {
  const figures =
    `${counts.sent} sent, ${counts.acknowledged} acknowledged, ${counts.failed} failed, ` +
    `${counts.unknown} unknown, ${counts.sentAnew} sent anew in another producer epoch; ` +
    `${counts.read} read by all readers together`
  if (anomalies.length === 0) return `${figures}; no anomaly`
  const lines = anomalies.map(
    ({ kind, count, examples }) =>
      `${kind} (${anomalyKinds[kind]}) × ${count}:\n    ${examples.join('\n    ')}`,
  )
  return `${figures}\n${lines.join('\n')}`
}
