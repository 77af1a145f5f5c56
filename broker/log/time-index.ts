import { IndexFile } from './index-file.ts'
import { readInt64, writeInt64 } from './int64.ts'
import type { OpenFiles } from './open-files.ts'

/** i64 time, i32 offset - base */
const entryBytes = 12

export interface TimeOffset {
  readonly timestamp: number
  readonly offset: number
}

/**
 * The sparse index from time to offset. An entry says: up to here the largest time of a record is `timestamp`, and the batch
 * that has it ends with `offset`. Times grow strictly, so time lookups need no sorting of records.
 */
export class TimeIndex {
  readonly #baseOffset: number
  readonly #file: IndexFile
  #lastTimestamp = -1

  constructor(files: OpenFiles, baseOffset: number, pathOf: () => string) {
    this.#baseOffset = baseOffset
    this.#file = new IndexFile(files, entryBytes, pathOf)
  }

  get count(): number {
    return this.#file.count
  }

  /** Takes over what the file holds; false when it cannot be a time index and is to be made anew. */
  open(): boolean {
    if (!this.#file.open()) return false
    const last = this.last()
    this.#lastTimestamp = last?.timestamp ?? -1
    if (last === undefined) return true
    const isZero = last.timestamp === 0 && last.offset === this.#baseOffset && this.count > 1
    return last.timestamp >= 0 && last.offset >= this.#baseOffset && !isZero
  }

  /** One place is kept free for the entry that closes a segment. */
  isFull(maxIndexBytes: number): boolean {
    return this.count >= Math.floor(maxIndexBytes / entryBytes) - 1
  }

  /** Left out when the time has not grown. */
  append(timestamp: number, offset: number): void {
    if (timestamp <= this.#lastTimestamp) return
    const { bytes, at } = this.#file.append()
    writeInt64(bytes, timestamp, at)
    bytes.writeInt32BE(offset - this.#baseOffset, at + 8)
    this.#lastTimestamp = timestamp
  }

  /** The last entry with a time <= this; undefined when there is none. */
  lookup(timestamp: number): TimeOffset | undefined {
    return this.#entry(this.#file.lastWhere((bytes, at) => readInt64(bytes, at) <= timestamp))
  }

  last(): TimeOffset | undefined {
    return this.#entry(this.count - 1)
  }

  entries(): TimeOffset[] {
    return Array.from({ length: this.count }, (_, index) => this.#entry(index)).filter(
      entry => entry !== undefined,
    )
  }

  /** Drops the entries with offsets >= this. */
  truncateTo(offset: number): void {
    const relative = offset - this.#baseOffset
    this.#file.truncate(this.#file.lastWhere((bytes, at) => bytes.readInt32BE(at + 8) < relative) + 1)
    this.#lastTimestamp = this.last()?.timestamp ?? -1
  }

  clear(): void {
    this.#file.clear()
    this.#lastTimestamp = -1
  }

  store(): void {
    this.#file.store()
  }

  release(): void {
    this.#file.release()
  }

  /** Only the descriptor. */
  close(): void {
    this.#file.close()
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  syncNow(): void {
    this.#file.syncNow()
  }

  renamed(): void {
    this.#file.renamed()
  }

  #entry(index: number): TimeOffset | undefined {
    if (index < 0) return undefined
    const { bytes, at } = this.#file.entry(index)
    return { timestamp: readInt64(bytes, at), offset: this.#baseOffset + bytes.readInt32BE(at + 8) }
  }
}
