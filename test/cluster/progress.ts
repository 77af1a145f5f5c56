/** How far each client has come, to tell whether a cluster serves; what is right is the checker's business. */
import type { HistoryEvent } from './history.ts'

/** By "process/partition". */
type Places = ReadonlyMap<string, number>

export class Progress {
  readonly #partitions: number
  readonly #sent = new Map<string, number>()
  readonly #acknowledged = new Map<string, number>()
  readonly #acknowledgedOffset = new Map<number, number>()
  readonly #read = new Map<string, number>()

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  add(event: HistoryEvent): void {
    const place = `${event.process}/${event.partition}`
    if (event.kind === 'send' && event.type === 'invoke') this.#sent.set(place, event.value)
    if (event.kind === 'send' && event.type === 'ok') {
      this.#acknowledged.set(place, Math.max(event.value, this.#acknowledged.get(place) ?? -1))
      const offset = Math.max(event.offset ?? -1, this.#acknowledgedOffset.get(event.partition) ?? -1)
      this.#acknowledgedOffset.set(event.partition, offset)
    }
    if (event.kind === 'poll') {
      const offset = event.records.at(-1)?.[0] ?? -1
      this.#read.set(place, Math.max(offset, this.#read.get(place) ?? -1))
    }
  }

  /** The value that each of the processes sent last to each partition. */
  sent(processes: readonly number[]): Places {
    return new Map(this.#places(processes).map(place => [place, this.#sent.get(place) ?? -1]))
  }

  /** Whether in each place something was acknowledged that was sent after these values. */
  isAcknowledged(after: Places): boolean {
    return [...after].every(([place, value]) => (this.#acknowledged.get(place) ?? -1) > value)
  }

  behind(after: Places): string {
    return [...after]
      .filter(([place, value]) => (this.#acknowledged.get(place) ?? -1) <= value)
      .map(
        ([place, value]) =>
          `${place} has ${this.#acknowledged.get(place) ?? 'nothing'}, wanted after ${value}`,
      )
      .join('; ')
  }

  /** By partition, the offset after the highest that was acknowledged. */
  acknowledgedOffsets(): ReadonlyMap<number, number> {
    return new Map([...this.#acknowledgedOffset].map(([partition, offset]) => [partition, offset + 1]))
  }

  /** Whether each process has read every partition up to this end (exclusive). */
  isRead(processes: readonly number[], ends: ReadonlyMap<number, number>): boolean {
    return processes.every(process => this.isReadTogether([process], ends))
  }

  /** Whether of every partition some process has read up to its end (exclusive). */
  isReadTogether(processes: readonly number[], ends: ReadonlyMap<number, number>): boolean {
    return [...ends].every(([partition, end]) =>
      processes.some(process => (this.#read.get(`${process}/${partition}`) ?? -1) + 1 >= end),
    )
  }

  unread(processes: readonly number[], ends: ReadonlyMap<number, number>): string {
    return processes
      .flatMap(process =>
        [...ends].map(([partition, end]) => {
          const read = (this.#read.get(`${process}/${partition}`) ?? -1) + 1
          return read >= end ? '' : `${process}/${partition} has ${read} of ${end}`
        }),
      )
      .filter(words => words !== '')
      .join('; ')
  }

  #places(processes: readonly number[]): string[] {
    return processes.flatMap(process =>
      Array.from({ length: this.#partitions }, (_, partition) => `${process}/${partition}`),
    )
  }
}
