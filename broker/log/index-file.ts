import { assert } from '../../runtime/assert.ts'
import { LazyFile, type OpenFiles } from './open-files.ts'

/** Entries kept in memory at most; a busy log writes its index in pieces of half of them. */
const mostInMemory = 512
const fewestInMemory = 16
/** When a search in the file has come down to so many entries, they are read at once. */
const entriesPerRead = 256
const readBuffer = Buffer.allocUnsafeSlow(entriesPerRead * 12)

/**
 * A sorted file of entries of one size, which grows at its end. The newest entries are kept in memory, and the ones
 * not yet written with them: they get to the file when half of the room is used up, and with `store`. What is lost of them
 * when the process is killed is found again in the log itself.
 *
 * An index that is not in use needs neither memory nor a descriptor; older entries are searched in the file.
 */
export class IndexFile {
  readonly #files: OpenFiles
  readonly #entryBytes: number
  readonly #pathOf: () => string
  #file: LazyFile | undefined
  #count = 0
  #storedCount = 0
  /** Entries [#tailFrom, #count) in the file's own format. */
  #tail: Buffer | undefined
  #tailFrom = 0

  constructor(files: OpenFiles, entryBytes: number, pathOf: () => string) {
    this.#files = files
    this.#entryBytes = entryBytes
    this.#pathOf = pathOf
  }

  get count(): number {
    return this.#count
  }

  /** Takes over what the file holds; false when it is missing or its size cannot be. */
  open(): boolean {
    const found = this.#files.disk.stat(this.#pathOf())
    if (found === undefined) return false
    this.#count = Math.floor(found.sizeInBytes / this.#entryBytes)
    this.#storedCount = this.#count
    this.#tailFrom = this.#count
    return found.sizeInBytes % this.#entryBytes === 0
  }

  /** Room for the next entry; the caller fills it at once. */
  append(): { readonly bytes: Buffer; readonly at: number } {
    const tail = this.#roomForOne()
    const at = (this.#count - this.#tailFrom) * this.#entryBytes
    this.#count++
    return { bytes: tail, at }
  }

  /** Entry number `index` as bytes at a place; valid until the next call. */
  entry(index: number): { readonly bytes: Buffer; readonly at: number } {
    assert(index >= 0 && index < this.#count, 'An index entry must exist.', { index, count: this.#count })
    if (index >= this.#tailFrom && this.#tail !== undefined) {
      return { bytes: this.#tail, at: (index - this.#tailFrom) * this.#entryBytes }
    }
    this.#read(index, 1)
    return { bytes: readBuffer, at: 0 }
  }

  /**
   * Number of the last entry for which `isAtMost` holds, which must hold for all before one for which it does; -1 when
   * it holds for none.
   */
  lastWhere(isAtMost: (bytes: Buffer, at: number) => boolean): number {
    let low = 0
    let high = this.#count
    if (this.#tail !== undefined && this.#tailFrom < this.#count) {
      if (isAtMost(this.#tail, 0))
        return this.#lastIn(this.#tail, this.#tailFrom, this.#tailFrom, high, isAtMost)
      high = this.#tailFrom
    }
    while (high - low > entriesPerRead) {
      const middle = (low + high) >>> 1
      this.#read(middle, 1)
      if (isAtMost(readBuffer, 0)) low = middle
      else high = middle
    }
    if (high === low) return low - 1
    this.#read(low, high - low)
    return this.#lastIn(readBuffer, low, low, high, isAtMost)
  }

  /** Keeps the first `count` entries. */
  truncate(count: number): void {
    if (count >= this.#count) return
    this.#count = count
    if (count < this.#tailFrom) {
      this.#tail = undefined
      this.#tailFrom = count
    }
    if (count < this.#storedCount) {
      this.#opened().truncate(count * this.#entryBytes)
      this.#storedCount = count
    }
  }

  /** Drops every entry, also those of a file that was not opened. */
  clear(): void {
    this.#count = 0
    this.#storedCount = 0
    this.#tail = undefined
    this.#tailFrom = 0
    const found = this.#files.disk.stat(this.#pathOf())
    if (found !== undefined && found.sizeInBytes > 0) this.#opened().truncate(0)
  }

  /** Writes the entries that are not in the file yet; makes the file if there is none. */
  store(): void {
    const file = this.#opened()
    if (this.#storedCount === this.#count || this.#tail === undefined) {
      if (this.#count === 0 && this.#files.disk.stat(this.#pathOf()) === undefined) file.size()
      return
    }
    const start = (this.#storedCount - this.#tailFrom) * this.#entryBytes
    const length = (this.#count - this.#storedCount) * this.#entryBytes
    file.writeSync(this.#tail, start, length, this.#storedCount * this.#entryBytes)
    this.#storedCount = this.#count
  }

  /** Stores, then gives back memory and descriptor. */
  release(): void {
    if (this.#storedCount < this.#count) this.store()
    this.#tail = undefined
    this.#tailFrom = this.#count
    this.close()
  }

  sync(): Promise<void> {
    this.store()
    return this.#opened().sync()
  }

  syncNow(): void {
    this.store()
    this.#opened().syncNow()
  }

  renamed(): void {
    this.#file?.renamed(this.#pathOf())
  }

  /** Only the descriptor. */
  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  #lastIn(
    bytes: Buffer,
    first: number,
    from: number,
    to: number,
    isAtMost: (bytes: Buffer, at: number) => boolean,
  ): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAtMost(bytes, (middle - first) * this.#entryBytes)) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #read(index: number, count: number): void {
    const wanted = count * this.#entryBytes
    const got = this.#opened().readSync(readBuffer, 0, wanted, index * this.#entryBytes)
    // Should the file have been cut by someone else, what is missing reads as zeros: the smallest of entries.
    if (got < wanted) readBuffer.fill(0, got, wanted)
  }

  #roomForOne(): Buffer {
    const used = this.#count - this.#tailFrom
    if (this.#tail === undefined) {
      this.#tail = Buffer.allocUnsafeSlow(fewestInMemory * this.#entryBytes)
      this.#tailFrom = this.#count
      return this.#tail
    }
    const room = this.#tail.length / this.#entryBytes
    if (used < room) return this.#tail
    if (room < mostInMemory) {
      const larger = Buffer.allocUnsafeSlow(this.#tail.length * 2)
      this.#tail.copy(larger)
      this.#tail = larger
      return larger
    }
    this.store()
    const half = mostInMemory / 2
    this.#tail.copyWithin(0, half * this.#entryBytes)
    this.#tailFrom += half
    return this.#tail
  }

  #opened(): LazyFile {
    this.#file ??= new LazyFile(this.#files, this.#pathOf(), true)
    return this.#file
  }
}
