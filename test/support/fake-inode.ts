interface Undo {
  /** Takes the change back; of a write, only what lies after its first `keptBytes`. */
  undo(keptBytes: number): void
}

/** The content of one file in memory, and how to take back what was done to it since the last sync. */
export class FakeInode {
  modifiedAtMs: number
  #content: Buffer
  #size: number
  readonly #now: () => number
  /** The newest last. */
  #undo: Undo[] = []

  constructor(now: () => number, content: Buffer = Buffer.alloc(64), size = 0) {
    this.#now = now
    this.#content = content
    this.#size = size
    this.modifiedAtMs = now()
  }

  get size(): number {
    return this.#size
  }

  /** As a copy. */
  bytes(): Buffer {
    return Buffer.from(this.#content.subarray(0, this.#size))
  }

  /** How many bytes there were to read. */
  read(target: Buffer, at: number, length: number, position: number): number {
    const end = Math.min(this.#size, position + length)
    return position >= end ? 0 : this.#content.copy(target, at, position, end)
  }

  write(bytes: Buffer, position: number): void {
    const before = Buffer.from(
      this.#content.subarray(position, Math.min(this.#size, position + bytes.length)),
    )
    const sizeBefore = this.#size
    this.#makeRoom(position + bytes.length)
    bytes.copy(this.#content, position)
    this.#size = Math.max(this.#size, position + bytes.length)
    this.modifiedAtMs = this.#now()
    this.#undo.push({
      undo: keptBytes => {
        const kept = Math.min(keptBytes, bytes.length)
        if (kept < before.length) before.copy(this.#content, position + kept, kept)
        const size = Math.max(sizeBefore, kept === 0 ? 0 : position + kept)
        this.#content.fill(0, size, this.#size)
        this.#size = size
      },
    })
  }

  resize(size: number): void {
    if (size > this.#size) {
      this.write(Buffer.alloc(size - this.#size), this.#size)
      return
    }
    const before = this.bytes()
    this.#content.fill(0, size, this.#size)
    this.#size = size
    this.modifiedAtMs = this.#now()
    this.#undo.push({
      undo: () => {
        this.#content = before
        this.#size = before.length
      },
    })
  }

  synced(): void {
    this.#undo = []
  }

  /** Everything since the last sync is gone. */
  loseUnsynced(): void {
    for (const change of this.#undo.toReversed()) change.undo(0)
    this.#undo = []
  }

  /** Of the last change since the last sync only the first `keptBytes` are left. */
  tearLast(keptBytes: number): void {
    this.#undo.at(-1)?.undo(keptBytes)
    this.#undo = []
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#content.length) return
    const larger = Buffer.alloc(Math.max(bytes, this.#content.length * 2))
    this.#content.copy(larger, 0, 0, this.#size)
    this.#content = larger
  }
}
