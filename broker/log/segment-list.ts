import { assert } from '../../runtime/assert.ts'
import type { Segment } from './segment.ts'

/** The segments of a log by growing base offset; never empty once the log is open. The last is the active one. */
export class SegmentList {
  #segments: Segment[]
  #closedBytes = 0

  /** `segments` in any order. */
  constructor(segments: readonly Segment[]) {
    this.#segments = [...segments].sort((a, b) => a.baseOffset - b.baseOffset)
    this.#countClosed()
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get length(): number {
    return this.#segments.length
  }

  get active(): Segment {
    const active = this.#segments.at(-1)
    assert(active !== undefined, 'A log has a segment.')
    return active
  }

  get first(): Segment {
    const first = this.#segments[0]
    assert(first !== undefined, 'A log has a segment.')
    return first
  }

  get sizeInBytes(): number {
    return this.#closedBytes + this.active.sizeInBytes
  }

  at(index: number): Segment | undefined {
    return this.#segments[index]
  }

  /** Index of the segment in which `offset` stands, would stand, or from which on it has to be looked for; -1 before the first. */
  indexFor(offset: number): number {
    const segments = this.#segments
    // Most ask for the end.
    const lastIndex = segments.length - 1
    if (lastIndex >= 0 && offset >= (segments[lastIndex]?.baseOffset ?? 0)) return lastIndex
    let low = 0
    let high = lastIndex
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((segments[middle]?.baseOffset ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Becomes the active one. */
  add(segment: Segment): void {
    const last = this.#segments.at(-1)
    assert(last === undefined || last.baseOffset < segment.baseOffset, 'Segments are added at the end.', {
      last: last?.baseOffset,
      added: segment.baseOffset,
    })
    this.#segments.push(segment)
    this.#countClosed()
  }

  removeFirst(count: number): Segment[] {
    const removed = this.#segments.splice(0, count)
    this.#countClosed()
    return removed
  }

  /** Those with a base offset above `offset`. */
  removeAbove(offset: number): Segment[] {
    const removed = this.#segments.filter(segment => segment.baseOffset > offset)
    if (removed.length > 0) this.#segments = this.#segments.filter(segment => segment.baseOffset <= offset)
    this.#countClosed()
    return removed
  }

  #countClosed(): void {
    this.#closedBytes = 0
    for (let index = 0; index < this.#segments.length - 1; index++) {
      this.#closedBytes += this.#segments[index]?.sizeInBytes ?? 0
    }
  }
}
