import { RecordBatchView } from '../../protocol/index.ts'
import type { CleanedGroup, SegmentToClean } from './cleaning-job.ts'
import type { Disk } from './disk.ts'
import { cleanedSuffix, segmentFileName } from './file-names.ts'
import type { SegmentGroup } from './group-segments.ts'
import { OpenFiles } from './open-files.ts'
import { Segment } from './segment.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** Positions in a segment are int32. */
const mostSegmentBytes = 2 ** 31 - 1

/** Rewritten times may make a segment of nothing but tombstones larger than it was. */
export class SegmentTooLarge extends Error {
  override readonly name = 'SegmentTooLarge'
}

/** Descriptors for the segment that is written. */
const openFilesLimit = 8

/** Writes one new segment, with the suffix `.cleaned`, in the place of a group of old ones. */
export class SegmentWriter {
  readonly #disk: Disk
  readonly #directory: string
  readonly #group: readonly SegmentToClean[]
  readonly #segment: Segment
  readonly #buffer: Buffer
  #filled = 0

  /** `buffer` is used until `finish` or `abandon`. */
  constructor(options: {
    readonly disk: Disk
    readonly directory: string
    readonly group: SegmentGroup<SegmentToClean>
    readonly indexIntervalBytes: number
    readonly nowMs: number
    readonly buffer: Buffer
  }) {
    this.#disk = options.disk
    this.#directory = options.directory
    this.#group = options.group
    this.#buffer = options.buffer
    this.#segment = Segment.create({
      files: new OpenFiles(options.disk, openFilesLimit),
      directory: options.directory,
      baseOffset: options.group[0].baseOffset,
      indexIntervalBytes: options.indexIntervalBytes,
      createdAtMs: options.nowMs,
      suffix: cleanedSuffix,
    })
  }

  get sizeInBytes(): number {
    return this.#segment.sizeInBytes
  }

  /** One whole batch. Answers how many bytes that has made it write. */
  add(bytes: Buffer): number {
    const batch = new RecordBatchView(bytes)
    if (this.#segment.sizeInBytes + bytes.length > mostSegmentBytes) {
      throw new SegmentTooLarge(`${this.#segment.path('log')} would become larger than a segment can be.`)
    }
    // No record has the time that is kept in an empty batch.
    this.#segment.noteBatch(batch.lastOffset, batch.recordCount === 0 ? -1 : batch.maxTimestamp, bytes.length)
    let written = 0
    if (this.#filled + bytes.length > this.#buffer.length) written = this.#write()
    if (bytes.length > this.#buffer.length) {
      this.#segment.write(bytes, 0, bytes.length)
      return written + bytes.length
    }
    bytes.copy(this.#buffer, this.#filled)
    this.#filled += bytes.length
    return written
  }

  /** Aborted transactions whose markers were added; in the order of the markers. */
  addAborted(transactions: readonly AbortedTransaction[]): void {
    for (const transaction of transactions) this.#segment.transactions.append(transaction)
  }

  /** Everything is on the device afterwards. */
  async finish(): Promise<CleanedGroup> {
    this.#write()
    this.#segment.becomeInactive()
    await this.#segment.syncAll()
    const modifiedAtMs = Math.max(...this.#group.map(({ baseOffset }) => this.#modifiedAtMs(baseOffset)))
    this.#disk.setModifiedTime(this.#segment.path('log'), modifiedAtMs)
    this.#disk.syncDirectory(this.#directory)
    return {
      bases: this.#group.map(({ baseOffset }) => baseOffset),
      sizeInBytes: this.#segment.sizeInBytes,
      modifiedAtMs,
      hasTransactionIndex: this.#segment.transactions.exists,
    }
  }

  /** Removes what was written. */
  abandon(): void {
    this.#segment.deleteFiles()
  }

  #write(): number {
    const length = this.#filled
    if (length > 0) this.#segment.write(this.#buffer, 0, length)
    this.#filled = 0
    return length
  }

  #modifiedAtMs(baseOffset: number): number {
    return this.#disk.stat(`${this.#directory}/${segmentFileName(baseOffset, 'log')}`)?.modifiedAtMs ?? 0
  }
}
