import { IndexFile } from './index-file.ts'
import type { OpenFiles } from './open-files.ts'

/** i32 offset - base, i32 position */
const entryBytes = 8

export interface OffsetPosition {
  readonly offset: number
  readonly position: number
}

/**
 * The sparse index from offset to place in the .log file. An entry holds the *last* offset of the batch that begins at
 * its position.
 */
export class OffsetIndex {
  readonly #baseOffset: number
  readonly #file: IndexFile
  #lastOffset: number

  constructor(files: OpenFiles, baseOffset: number, pathOf: () => string) {
    this.#baseOffset = baseOffset
    this.#lastOffset = baseOffset
    this.#file = new IndexFile(files, entryBytes, pathOf)
  }

  get count(): number {
    return this.#file.count
  }

  /** Offset of the last entry; the base when there is none. */
  get lastOffset(): number {
    return this.#lastOffset
  }

  /**
   * Takes over what the file holds. False when it cannot be the index of a log file of `logBytes`: missing, a broken entry,
   * or places beyond the log. It is then to be made anew.
   */
  open(logBytes: number): boolean {
    if (!this.#file.open()) return false
    const last = this.last()
    this.#lastOffset = last?.offset ?? this.#baseOffset
    if (last === undefined) return true
    // An index that Kafka had sized in advance and lost in a crash ends in zeros.
    const isZero = last.position === 0 && last.offset === this.#baseOffset && this.count > 1
    return last.offset >= this.#baseOffset && last.position >= 0 && last.position < logBytes && !isZero
  }

  isFull(maxIndexBytes: number): boolean {
    return this.count >= Math.floor(maxIndexBytes / entryBytes)
  }

  /** Offsets grow; an entry that does not go further than the last is left out. */
  append(lastOffsetOfBatch: number, position: number): void {
    if (this.count > 0 && lastOffsetOfBatch <= this.#lastOffset) return
    const { bytes, at } = this.#file.append()
    bytes.writeInt32BE(lastOffsetOfBatch - this.#baseOffset, at)
    bytes.writeInt32BE(position, at + 4)
    this.#lastOffset = lastOffsetOfBatch
  }

  /** The last entry with an offset <= this; the start of the file when there is none. */
  lookup(offset: number): OffsetPosition {
    const relative = offset - this.#baseOffset
    return this.#entryOrStart(this.#file.lastWhere((bytes, at) => bytes.readInt32BE(at) <= relative))
  }

  /** The first entry at or after this position; undefined when there is none. */
  firstFrom(position: number): OffsetPosition | undefined {
    const index = this.#file.lastWhere((bytes, at) => bytes.readInt32BE(at + 4) < position) + 1
    return index < this.count ? this.#entryOrStart(index) : undefined
  }

  last(): OffsetPosition | undefined {
    return this.count === 0 ? undefined : this.#entryOrStart(this.count - 1)
  }

  entries(): OffsetPosition[] {
    return Array.from({ length: this.count }, (_, index) => this.#entryOrStart(index))
  }

  /** Drops the entries with offsets >= this. */
  truncateTo(offset: number): void {
    const relative = offset - this.#baseOffset
    this.#file.truncate(this.#file.lastWhere((bytes, at) => bytes.readInt32BE(at) < relative) + 1)
    this.#lastOffset = this.last()?.offset ?? this.#baseOffset
  }

  clear(): void {
    this.#file.clear()
    this.#lastOffset = this.#baseOffset
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

  #entryOrStart(index: number): OffsetPosition {
    if (index < 0) return { offset: this.#baseOffset, position: 0 }
    const { bytes, at } = this.#file.entry(index)
    return { offset: this.#baseOffset + bytes.readInt32BE(at), position: bytes.readInt32BE(at + 4) }
  }
}
