import type { ProducerEntry } from './producer-entry.ts'

/**
 * What was known of producers before the batches that are given out and not yet in the file: should there be no room
 * for them on the disk, they are taken back, and the producers with them.
 */
export class UnwrittenProducers {
  readonly #before = new Map<number, ProducerEntry | undefined>()

  /** By producer; undefined where nothing was known. */
  get before(): ReadonlyMap<number, ProducerEntry | undefined> {
    return this.#before
  }

  /** The entry of this producer is about to be replaced. */
  note(producerId: number, before: ProducerEntry | undefined): void {
    if (!this.#before.has(producerId)) this.#before.set(producerId, before)
  }

  /** Nothing is to be taken back any more. */
  clear(): void {
    if (this.#before.size > 0) this.#before.clear()
  }
}
