import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Disk } from './disk.ts'
import { type DiskSpace, enough, judgeSpace, nextLookMs } from './disk-space.ts'

export interface SpaceWatchParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly logger: Logger
  readonly reservedBytes: () => number
  /** Runs what touches the disk; takes the directory offline when it fails. */
  readonly attempt: <Result>(job: () => Result) => Result | undefined
}

/** Looks again and again at how much room one directory has. */
export class SpaceWatch {
  readonly #path: string
  readonly #parts: SpaceWatchParts
  #space: DiskSpace = enough
  #totalBytes = -1
  #usableBytes = -1
  #timer: Timer | undefined
  #stopped = false

  constructor(path: string, parts: SpaceWatchParts) {
    this.#path = path
    this.#parts = parts
    this.look()
  }

  get isFull(): boolean {
    return this.#space.kind === 'full'
  }

  /** Why no new records are taken; undefined while they are. */
  get message(): string | undefined {
    return this.#space.kind === 'full' ? this.#space.message : undefined
  }

  /** -1 when not known. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  get usableBytes(): number {
    return this.#usableBytes
  }

  /** Looks now, and from time to time later. */
  look(): void {
    this.#timer?.cancel()
    if (this.#stopped) return
    const space = this.#parts.attempt(() => this.#parts.disk.space(this.#path))
    if (space === undefined) return
    this.#totalBytes = space.totalBytes
    this.#usableBytes = space.usableBytes
    const facts = { path: this.#path, ...space, reservedBytes: this.#parts.reservedBytes() }
    const previous = this.#space
    this.#space = judgeSpace(facts, previous)
    this.#tell(previous)
    this.#timer = this.#parts.clock.after(nextLookMs(facts), () => this.look())
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #tell(previous: DiskSpace): void {
    if (this.#space.kind === previous.kind) return
    const fields = { directory: this.#path, usableBytes: this.#usableBytes, totalBytes: this.#totalBytes }
    if (this.#space.kind === 'full') this.#parts.logger.error(fields, this.#space.message)
    else this.#parts.logger.info(fields, 'There is room on the disk again; new records are taken.')
  }
}
