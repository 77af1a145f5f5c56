import { RecordBatchView } from '../../protocol/index.ts'
import { type Disk, DiskError } from './disk.ts'
import type { SegmentFileKind } from './file-names.ts'
import { HeaderScan, type ReadAt, scanBufferBytes } from './header-scan.ts'
import type { OffsetIndex } from './offset-index.ts'
import { LazyFile, type OpenFiles } from './open-files.ts'
import { readAbortedTransactions } from './read-aborted-transactions.ts'
import { SegmentFiles } from './segment-files.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import type { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'
import { WarmRange } from './warm-range.ts'

export interface SegmentOptions {
  readonly files: OpenFiles
  readonly directory: string
  readonly baseOffset: number
  /** The setting index.interval.bytes: about so many bytes between two index entries. */
  readonly indexIntervalBytes: number
  /** Wall clock; for a segment that was there before, the file's time. */
  readonly createdAtMs: number
  /** How much sooner than segment.ms this one is rolled. */
  readonly rollJitterMs?: number
  readonly suffix?: string
  /** Whether the directory has its .txnindex; looked up when left out. */
  readonly hasTransactionIndex?: boolean
}

/** A batch as it stands in a segment. */
export interface BatchAt {
  readonly batch: RecordBatchView
  readonly position: number
}

/** Scans that end before anybody else can begin one share this. */
const sharedScanBuffer = Buffer.allocUnsafeSlow(scanBufferBytes)

/**
 * One .log file with its offset and time index. Knows batches by their headers only.
 *
 * Three sizes, each at most the one before: `sizeInBytes` counts batches that are noted and may still wait in memory,
 * `writtenBytes` what the file holds, `readableBytes` what readers may see.
 */
export class Segment {
  readonly baseOffset: number
  readonly createdAtMs: number
  readonly rollJitterMs: number
  /** What was read lately, by anybody. */
  readonly warm = new WarmRange()
  readonly #disk: Disk
  readonly #files: SegmentFiles
  readonly #log: LazyFile
  readonly #indexes: SegmentIndexes
  #sizeInBytes = 0
  #writtenBytes = 0
  #readableBytes = 0
  /** The batches behind the last index entry have been looked at: needed before anything is added. */
  #isEndRead = false
  #firstTimestamp: number | undefined
  #cuts = 0
  #hasTransactionIndex: boolean | undefined
  #transactions: TransactionIndex | undefined
  /** Monotonic time when a slice of it was last handed out. */
  lastReadAtMs = Number.NEGATIVE_INFINITY

  private constructor(options: SegmentOptions, isNew: boolean) {
    this.baseOffset = options.baseOffset
    this.createdAtMs = options.createdAtMs
    this.rollJitterMs = options.rollJitterMs ?? 0
    this.#disk = options.files.disk
    this.#files = new SegmentFiles(this.#disk, options.directory, this.baseOffset, options.suffix ?? '')
    this.#hasTransactionIndex = options.hasTransactionIndex
    this.#log = new LazyFile(options.files, this.path('log'), isNew)
    this.#indexes = new SegmentIndexes({
      files: options.files,
      baseOffset: options.baseOffset,
      intervalBytes: options.indexIntervalBytes,
      pathOf: kind => this.path(kind),
      writtenBytes: () => this.#writtenBytes,
      scan: from => this.#scan(from),
    })
  }

  /** An empty segment; files that stand at its names are emptied, where there may be any. */
  static create(options: SegmentOptions & { readonly hasNoFiles?: boolean }): Segment {
    const segment = new Segment(options, true)
    if (segment.#log.size() > 0) segment.#log.truncate(0)
    if (options.hasNoFiles !== true) segment.#files.removeIndexes()
    segment.#hasTransactionIndex = false
    segment.#indexes.startEmpty()
    segment.#isEndRead = true
    return segment
  }

  /** A segment whose file is there. Nothing is read before it is needed. */
  static open(options: SegmentOptions & { readonly sizeInBytes: number }): Segment {
    const segment = new Segment(options, false)
    segment.#sizeInBytes = options.sizeInBytes
    segment.#writtenBytes = options.sizeInBytes
    segment.#readableBytes = options.sizeInBytes
    return segment
  }

  get sizeInBytes(): number {
    return this.#sizeInBytes
  }

  get writtenBytes(): number {
    return this.#writtenBytes
  }

  get readableBytes(): number {
    return this.#readableBytes
  }

  get directory(): string {
    return this.#files.directory
  }

  /** Grows each time that bytes are cut off: what was found before must not be read any more. */
  get cuts(): number {
    return this.#cuts
  }

  /** Largest time of a record; -1 when none has one. */
  get largestTimestamp(): number {
    return this.#indexes.largestTimestamp
  }

  /** Last offset of the first batch with the largest time. */
  get offsetOfLargestTimestamp(): number {
    return this.#indexes.offsetOfLargestTimestamp
  }

  /** Largest time of the first batch; -1 when it has none or there is no batch. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp !== undefined) return this.#firstTimestamp
    if (this.#writtenBytes === 0) return -1
    const scan = this.#scan(0)
    this.#firstTimestamp = scan.next() ? scan.batch.maxTimestamp : -1
    return this.#firstTimestamp
  }

  get offsets(): OffsetIndex {
    return this.#indexes.offsets
  }

  get times(): TimeIndex {
    return this.#indexes.times
  }

  /** The aborted transactions whose markers stand in this segment. */
  get transactions(): TransactionIndex {
    if (this.#transactions !== undefined) return this.#transactions
    const disk = this.#disk
    const path = this.path('txnindex')
    this.#hasTransactionIndex ??= disk.stat(path) !== undefined
    this.#transactions = new TransactionIndex({
      disk,
      path,
      exists: this.#hasTransactionIndex,
      rebuild: () => readAbortedTransactions(disk, this.directory, this.baseOffset),
    })
    return this.#transactions
  }

  /** Largest record time; where no record has one, the time of the file. */
  get timestampMs(): number {
    const largest = this.largestTimestamp
    if (largest >= 0) return largest
    return this.#disk.stat(this.path('log'))?.modifiedAtMs ?? this.createdAtMs
  }

  get isPublished(): boolean {
    return this.#readableBytes === this.#writtenBytes
  }

  path(kind: SegmentFileKind): string {
    return this.#files.path(kind)
  }

  fits(offset: number): boolean {
    return this.#indexes.fits(offset)
  }

  isIndexFull(maxIndexBytes: number): boolean {
    return this.offsets.isFull(maxIndexBytes) || this.times.isFull(maxIndexBytes)
  }

  /**
   * Keeps the books for a batch that stands, or is about to stand, at the end: size, largest time, index entries. Also
   * used to make indexes anew from a scan (after `forgetBatches`).
   */
  noteBatch(lastOffset: number, maxTimestamp: number, sizeInBytes: number): void {
    if (!this.#isEndRead) this.#readKnownEnd()
    const position = this.#sizeInBytes
    if (position === 0) this.#firstTimestamp = maxTimestamp
    this.#indexes.note(lastOffset, maxTimestamp, position, sizeInBytes)
    this.#sizeInBytes = position + sizeInBytes
  }

  /** Empties the books and the indexes; the file keeps its bytes. For a scan that notes every batch again. */
  forgetBatches(): void {
    this.#indexes.clear()
    this.#isEndRead = true
    this.#firstTimestamp = undefined
    this.#sizeInBytes = 0
  }

  /** Writes noted bytes at the end of the file. */
  write(source: Buffer, start: number, length: number): void {
    this.#log.writeSync(source, start, length, this.#writtenBytes)
    this.#writtenBytes += length
  }

  /** Readers may see the written bytes before `position`. */
  publishTo(position: number): void {
    this.#readableBytes = position
  }

  /**
   * Undoes what was noted and written since the file ended at `position` and `offset` was the next: none of it was
   * readable, and not all of it may be in the file.
   */
  takeBack(position: number, offset: number): void {
    this.#log.truncate(position)
    this.#writtenBytes = position
    this.#sizeInBytes = position
    this.transactions.truncateTo(offset)
    if (position === 0) this.forgetBatches()
    else this.#indexes.truncateTo(offset)
  }

  /**
   * Reads the headers from the last index entry to the end of the file, adding what the indexes lack: entries that were not
   * written before the process was killed. Answers the offset after the last whole batch, and why something behind it
   * is not one; it is then to be cut off at `sizeInBytes`.
   */
  readEnd(): { readonly nextOffset: number; readonly problem: string | undefined } {
    this.#isEndRead = true
    const fileBytes = this.#writtenBytes
    this.#sizeInBytes = this.#indexes.goBackToLastEntry()
    let nextOffset = this.baseOffset
    const scan = new HeaderScan(this.#readAt, this.#sizeInBytes, fileBytes)
    while (scan.next()) {
      if (!this.fits(scan.batch.lastOffset) || scan.batch.lastOffset < nextOffset - 1) {
        return {
          nextOffset,
          problem: `The file has offset ${scan.batch.lastOffset} out of order at byte ${scan.position}.`,
        }
      }
      this.noteBatch(scan.batch.lastOffset, scan.batch.maxTimestamp, scan.batch.sizeInBytes)
      nextOffset = scan.batch.nextOffset
    }
    return { nextOffset, problem: scan.problem }
  }

  /** Makes the file end where the noted batches end. */
  cutToNoted(): void {
    this.#cuts++
    this.#log.truncate(this.#sizeInBytes)
    this.#writtenBytes = this.#sizeInBytes
    this.#readableBytes = Math.min(this.#readableBytes, this.#sizeInBytes)
  }

  /**
   * The first batch that ends at or after `offset`, as a view of its header that is valid until the next call of any
   * method here; undefined when there is none.
   */
  find(offset: number): BatchAt | undefined {
    const scan = this.#scan(this.offsets.lookup(offset).position)
    while (scan.next()) {
      if (scan.batch.lastOffset >= offset) return { batch: scan.batch, position: scan.position }
    }
    return undefined
  }

  /** Where the first batch begins that contains `offset` or comes after it; the end of what is readable when there is none. */
  positionFor(offset: number): number {
    return this.find(offset)?.position ?? this.#readableBytes
  }

  /** Size of the batch that begins at `position`. */
  batchSizeAt(position: number): number {
    this.readSync(sharedScanBuffer, 0, 12, position)
    return new RecordBatchView(sharedScanBuffer).sizeInBytes
  }

  /** The whole batch that begins at `position`, in a buffer of its own. */
  batchAt(position: number): RecordBatchView {
    const bytes = Buffer.allocUnsafe(this.batchSizeAt(position))
    this.readSync(bytes, 0, bytes.length, position)
    return new RecordBatchView(bytes)
  }

  /** The headers of the readable batches in order. A view is good until the next step. */
  *headers(fromPosition = 0): Generator<BatchAt, void, undefined> {
    const scan = new HeaderScan(this.#readAt, fromPosition, this.#readableBytes)
    while (scan.next()) yield { batch: scan.batch, position: scan.position }
    if (scan.problem !== undefined)
      throw new DiskError(`${this.path('log')}: ${scan.problem}`, this.path('log'), 'EIO')
  }

  /** Reads exactly `length` bytes of what is written; throws when they are not there. */
  readSync(target: Buffer, at: number, length: number, position: number): void {
    this.#checkRead(this.#log.readSync(target, at, length, position), length, position)
  }

  /** The same off the loop. */
  async read(target: Buffer, at: number, length: number, position: number): Promise<void> {
    this.#checkRead(await this.#log.read(target, at, length, position), length, position)
  }

  /** Cuts off the batch that contains `offset` and all after it; in the file and in the indexes. */
  truncateTo(offset: number): void {
    const found = offset <= this.baseOffset ? { position: 0 } : this.find(offset)
    this.transactions.truncateTo(offset)
    if (found === undefined) return
    this.#sizeInBytes = found.position
    this.cutToNoted()
    this.warm.clear()
    if (found.position === 0) {
      this.forgetBatches()
      return
    }
    this.#indexes.truncateTo(offset)
  }

  /** Writes the last entry of the time index and everything that the indexes hold back; nothing is appended any more. */
  becomeInactive(): void {
    this.#indexes.finish()
  }

  /** fdatasync of the .log file, off the loop. */
  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** Everything of a closed segment to the device, off the loop. */
  async syncAll(): Promise<void> {
    await this.#log.sync()
    await this.#indexes.sync()
    await this.transactions.sync()
    this.release()
  }

  /** The same at once, for recovery. */
  syncNow(): void {
    this.#log.syncNow()
    this.#indexes.syncNow()
    this.release()
  }

  /** Gives back memory and descriptors. Index entries held back are written. */
  release(): void {
    this.#indexes.release()
    this.#log.close()
  }

  /** Gives back the descriptors. Index entries held back are not written: for a segment that is no part of its log any more. */
  close(): void {
    this.#log.close()
    this.#indexes.close()
  }

  /** Renames every file there is of it: `.deleted` before removal, `.swap` and none in compaction. */
  changeSuffix(suffix: string): void {
    this.#files.changeSuffix(suffix)
    this.#pathsChanged()
  }

  /** The directory has been given another name. */
  directoryRenamed(directory: string): void {
    this.#files.directoryRenamed(directory)
    this.#pathsChanged()
  }

  /** Removes the files. A read that is under way off the loop keeps what it has open. */
  deleteFiles(): void {
    this.close()
    this.#files.remove()
  }

  #pathsChanged(): void {
    this.#log.renamed(this.path('log'))
    this.#indexes.renamed()
    if (this.#transactions !== undefined) this.#hasTransactionIndex = this.#transactions.exists
    this.#transactions = undefined
  }

  readonly #readAt: ReadAt = (...read) => this.#log.readSync(...read)

  #scan(from: number): HeaderScan {
    return new HeaderScan(this.#readAt, from, this.#writtenBytes, sharedScanBuffer)
  }

  #checkRead(got: number, wanted: number, position: number): void {
    if (got === wanted) return
    const path = this.path('log')
    throw new DiskError(
      `${path} ends at byte ${position + got}, before byte ${position + wanted} that was to be read.`,
      path,
      'EIO',
    )
  }

  /** After a clean stop the size tells the end; what the indexes need of it is read when something is added. */
  #readKnownEnd(): void {
    const sizeInBytes = this.#sizeInBytes
    const { problem } = this.readEnd()
    if (this.#sizeInBytes === sizeInBytes) return
    const path = this.path('log')
    throw new DiskError(
      `${path} was damaged while the broker did not run. ${problem ?? ''} It is cut there at the next start.`,
      path,
      'EIO',
    )
  }
}
