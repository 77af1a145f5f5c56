import { assert } from '../../runtime/assert.ts'
import type { SegmentFileKind } from './file-names.ts'
import type { HeaderScan } from './header-scan.ts'
import { OffsetIndex } from './offset-index.ts'
import type { OpenFiles } from './open-files.ts'
import { TimeIndex } from './time-index.ts'

export interface SegmentIndexesParts {
  readonly files: OpenFiles
  readonly baseOffset: number
  /** The setting index.interval.bytes: about so many bytes between two entries. */
  readonly intervalBytes: number
  /** As the files are named now. */
  readonly pathOf: (kind: SegmentFileKind) => string
  /** What the .log file holds. */
  readonly writtenBytes: () => number
  /** The headers of what is written from a position on. A scan ends before the next is begun. */
  readonly scan: (fromPosition: number) => HeaderScan
}

/** Greatest distance from the base offset that the indexes can express. */
const greatestRelativeOffset = 2 ** 31 - 1

/**
 * The offset and time index of one segment, and what decides when they get an entry: the bytes since the last one and the
 * largest time so far.
 *
 * Those of a segment that is only read are opened when first used, and made anew if they are missing or broken.
 */
export class SegmentIndexes {
  readonly #parts: SegmentIndexesParts
  readonly #offsets: OffsetIndex
  readonly #times: TimeIndex
  #isOpen = false
  #bytesSinceEntry = 0
  #timesKnown = false
  #wasCut = false
  #largestTimestamp = -1
  #offsetOfLargestTimestamp = -1

  constructor(parts: SegmentIndexesParts) {
    const { files, baseOffset, pathOf } = parts
    this.#parts = parts
    this.#offsets = new OffsetIndex(files, baseOffset, () => pathOf('index'))
    this.#times = new TimeIndex(files, baseOffset, () => pathOf('timeindex'))
  }

  get offsets(): OffsetIndex {
    this.#open()
    return this.#offsets
  }

  get times(): TimeIndex {
    this.#open()
    return this.#times
  }

  /** Largest time of a record; -1 when none has one. */
  get largestTimestamp(): number {
    this.#findTimes()
    return this.#largestTimestamp
  }

  /** Last offset of the first batch with the largest time. */
  get offsetOfLargestTimestamp(): number {
    this.#findTimes()
    return this.#offsetOfLargestTimestamp
  }

  fits(offset: number): boolean {
    return offset >= this.#parts.baseOffset && offset - this.#parts.baseOffset <= greatestRelativeOffset
  }

  /** There is nothing in the segment, and no file of an index. */
  startEmpty(): void {
    this.#isOpen = true
    this.#timesKnown = true
  }

  /** Forgets every entry; the batches are to be noted again. */
  clear(): void {
    this.#offsets.clear()
    this.#times.clear()
    this.startEmpty()
    this.#largestTimestamp = -1
    this.#offsetOfLargestTimestamp = -1
    this.#bytesSinceEntry = 0
  }

  /** Goes back to the last entry and answers its position: the batches from there on are to be noted again. */
  goBackToLastEntry(): number {
    this.#open()
    this.#takeTimesFromIndex()
    this.#bytesSinceEntry = 0
    return this.#offsets.last()?.position ?? 0
  }

  /** A batch that begins at `position`, behind all that were noted. */
  note(lastOffset: number, maxTimestamp: number, position: number, sizeInBytes: number): void {
    const { baseOffset, intervalBytes } = this.#parts
    assert(this.fits(lastOffset), 'A segment cannot index an offset so far from its base.', {
      baseOffset,
      lastOffset,
    })
    this.#findTimes()
    if (maxTimestamp > this.#largestTimestamp) {
      this.#largestTimestamp = maxTimestamp
      this.#offsetOfLargestTimestamp = lastOffset
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.#offsets.append(lastOffset, position)
      this.#times.append(this.#largestTimestamp, this.#offsetOfLargestTimestamp)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += sizeInBytes
  }

  /** Drops what is said of `offset` and what comes after it; the file has been cut there already. */
  truncateTo(offset: number): void {
    this.#open()
    this.#offsets.truncateTo(offset)
    this.#times.truncateTo(offset)
    this.#bytesSinceEntry = this.#parts.writtenBytes() - (this.#offsets.last()?.position ?? 0)
    this.#timesKnown = false
    this.#wasCut = true
  }

  /** Writes the last entry of the time index and everything held back; nothing is noted any more. */
  finish(): void {
    this.#findTimes()
    if (this.#largestTimestamp >= 0)
      this.#times.append(this.#largestTimestamp, this.#offsetOfLargestTimestamp)
    this.#offsets.store()
    this.#times.store()
    this.release()
  }

  async sync(): Promise<void> {
    if (!this.#isOpen) return
    await this.#offsets.sync()
    await this.#times.sync()
  }

  syncNow(): void {
    if (!this.#isOpen) return
    this.#offsets.syncNow()
    this.#times.syncNow()
  }

  /** Writes entries held back, and gives back memory and descriptors. */
  release(): void {
    if (!this.#isOpen) return
    this.#offsets.release()
    this.#times.release()
  }

  /** Only the descriptors; entries held back are not written. */
  close(): void {
    this.#offsets.close()
    this.#times.close()
  }

  /** `pathOf` answers otherwise now. */
  renamed(): void {
    this.#offsets.renamed()
    this.#times.renamed()
  }

  #open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const isGood = this.#offsets.open(this.#parts.writtenBytes()) && this.#times.open()
    if (isGood) return
    try {
      this.#rebuild()
    } catch (error) {
      // Half an index must not pass for a whole one.
      this.#isOpen = false
      this.#timesKnown = false
      throw error
    }
  }

  #rebuild(): void {
    this.clear()
    const scan = this.#parts.scan(0)
    while (scan.next() && this.fits(scan.batch.lastOffset)) {
      const { lastOffset, maxTimestamp, sizeInBytes } = scan.batch
      this.note(lastOffset, maxTimestamp, scan.position, sizeInBytes)
    }
    this.finish()
  }

  /**
   * The largest time of a segment that was not written by this process, or was cut. What stands before the last offset entry
   * is in the time index; a closed segment's time index ends with an entry that speaks for all of it.
   */
  #findTimes(): void {
    if (this.#timesKnown) return
    this.#open()
    this.#takeTimesFromIndex()
    if (!this.#wasCut) return
    const scan = this.#parts.scan(this.#offsets.last()?.position ?? 0)
    while (scan.next()) {
      if (scan.batch.maxTimestamp > this.#largestTimestamp) {
        this.#largestTimestamp = scan.batch.maxTimestamp
        this.#offsetOfLargestTimestamp = scan.batch.lastOffset
      }
    }
  }

  #takeTimesFromIndex(): void {
    this.#timesKnown = true
    const last = this.#times.last()
    this.#largestTimestamp = last?.timestamp ?? -1
    this.#offsetOfLargestTimestamp = last?.offset ?? -1
  }
}
