import type { RecordBatchView } from '../../protocol/index.ts'
import { BatchReader } from './batch-reader.ts'
import { type CleaningControl, CleaningStopped, type SegmentToClean } from './cleaning-job.ts'
import type { Disk } from './disk.ts'
import { segmentFileName } from './file-names.ts'

/** Reads the segments of a log one after the other for a cleaning: stops when it is told to, waits when it is too fast. */
export class CleaningReader {
  readonly #disk: Disk
  readonly #directory: string
  readonly #control: CleaningControl
  readonly #batches: BatchReader
  readonly #bufferBytes: number
  #readBytes = 0
  #unspent = 0

  constructor(disk: Disk, directory: string, control: CleaningControl, bufferBytes: number) {
    this.#disk = disk
    this.#directory = directory
    this.#control = control
    this.#bufferBytes = bufferBytes
    this.#batches = new BatchReader(bufferBytes)
  }

  get readBytes(): number {
    return this.#readBytes
  }

  /** Shows each batch of the segment to `use`, until that answers 'stop'. Rejects with CleaningStopped, DiskError, DamagedSegment. */
  async eachBatch(
    segment: SegmentToClean,
    use: (batch: RecordBatchView) => 'go on' | 'stop',
  ): Promise<'go on' | 'stop'> {
    this.#checkStop()
    const path = `${this.#directory}/${segmentFileName(segment.baseOffset, 'log')}`
    const file = this.#disk.open(path, 'read')
    try {
      this.#batches.begin(file, segment.sizeInBytes)
      for (let batch = this.#batches.next(); batch !== undefined; batch = this.#batches.next()) {
        const size = batch.sizeInBytes
        if (use(batch) === 'stop') return 'stop'
        this.#readBytes += size
        this.#unspent += size
        if (this.#unspent >= this.#bufferBytes) await this.#pause()
      }
      return 'go on'
    } finally {
      file.close()
    }
  }

  /** So many bytes were written of what was read: they count too. */
  noteWritten(bytes: number): void {
    this.#unspent += bytes
  }

  async #pause(): Promise<void> {
    this.#checkStop()
    const bytes = this.#unspent
    this.#unspent = 0
    const wait = this.#control.spend(bytes)
    if (wait === undefined) return
    await wait
    this.#checkStop()
  }

  #checkStop(): void {
    if (this.#control.isStopped()) throw new CleaningStopped('The cleaning was told to stop.')
  }
}
