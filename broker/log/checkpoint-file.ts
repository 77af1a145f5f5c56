import type { Disk } from './disk.ts'

/**
 * A checkpoint file that is written again and again, off the loop: to a temporary file, synced, renamed. One write at a
 * time; content that stands there already is not written again. After a crash the file has its old or its new
 * content, and both are true: checkpoints only lag behind.
 */
export class CheckpointFile {
  readonly #disk: Disk
  readonly #path: string
  #stands: string | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Grows with `writeNow`: a write that began before must not land on top of it. */
  #generation = 0

  /** `stands`: what the file holds, if that is known. */
  constructor(disk: Disk, path: string, stands?: string) {
    this.#disk = disk
    this.#path = path
    this.#stands = stands
  }

  /** `content` is asked for when the writes before are done. Rejects with DiskError. */
  write(content: () => string): Promise<void> {
    const previous = this.#writing
    const write = async (): Promise<void> => {
      // A failed write has been told to whoever asked for it.
      await previous.catch(() => {})
      await this.#write(content())
    }
    this.#writing = write()
    return this.#writing
  }

  /** At once, and on the device afterwards: before something happens that must not be forgotten. */
  writeNow(content: string): void {
    if (content === this.#stands) return
    this.#generation++
    this.#stands = undefined
    this.#disk.writeFileAtomically(this.#path, content)
    this.#stands = content
  }

  async #write(content: string): Promise<void> {
    if (content === this.#stands) return
    const generation = this.#generation
    const temporary = `${this.#path}.new`
    const bytes = Buffer.from(content)
    const file = this.#disk.open(temporary, 'replace')
    try {
      file.writeSync(bytes, 0, bytes.length, 0)
      await file.sync()
    } finally {
      file.close()
    }
    if (generation !== this.#generation) return
    this.#disk.rename(temporary, this.#path)
    this.#stands = content
  }
}
