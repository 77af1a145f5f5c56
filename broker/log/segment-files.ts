import { join } from 'node:path'
import type { Disk } from './disk.ts'
import { type SegmentFileKind, segmentFileName } from './file-names.ts'

const kinds: readonly SegmentFileKind[] = ['log', 'index', 'timeindex', 'txnindex']

/** Where the files of one segment stand, and their being renamed and removed together. Which of them are there may change. */
export class SegmentFiles {
  readonly #disk: Disk
  readonly #baseOffset: number
  #directory: string
  #suffix: string

  constructor(disk: Disk, directory: string, baseOffset: number, suffix: string) {
    this.#disk = disk
    this.#directory = directory
    this.#baseOffset = baseOffset
    this.#suffix = suffix
  }

  get directory(): string {
    return this.#directory
  }

  path(kind: SegmentFileKind): string {
    return join(this.#directory, segmentFileName(this.#baseOffset, kind, this.#suffix))
  }

  changeSuffix(suffix: string): void {
    for (const kind of kinds) {
      const from = this.path(kind)
      if (this.#disk.stat(from) === undefined) continue
      this.#disk.rename(from, join(this.#directory, segmentFileName(this.#baseOffset, kind, suffix)))
    }
    this.#suffix = suffix
  }

  /** The directory has been given another name. */
  directoryRenamed(directory: string): void {
    this.#directory = directory
  }

  /** All but the .log file: for a segment that begins anew. */
  removeIndexes(): void {
    for (const kind of kinds) if (kind !== 'log') this.#disk.unlink(this.path(kind))
  }

  remove(): void {
    for (const kind of kinds) this.#disk.unlink(this.path(kind))
  }
}
