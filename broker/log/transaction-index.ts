import type { Disk } from './disk.ts'
import { readInt64, writeInt64 } from './int64.ts'

/** An aborted transaction as the index of the segment that holds its marker has it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** The offset of the ABORT marker. */
  readonly lastOffset: number
  /** What the last stable offset was when this transaction was taken away. */
  readonly lastStableOffset: number
}

const version = 0

/** int16 version, then producerId, firstOffset, lastOffset and lastStableOffset as int64. */
const entryBytes = 34

/**
 * The aborted transactions whose markers stand in one segment, in the order of the markers. Rare, so the file is made
 * with the first entry, opened only to be read or written, and kept in memory once somebody asked.
 */
export class TransactionIndex {
  readonly path: string
  readonly #disk: Disk
  readonly #rebuild: (() => readonly AbortedTransaction[]) | undefined
  #exists: boolean
  #entries: Buffer | undefined

  /** `exists`: what the listing of the directory said, so that nothing is looked up for segments without one. */
  constructor(options: {
    readonly disk: Disk
    readonly path: string
    readonly exists: boolean
    /** Reads the transactions from the segment, for a file that is damaged. Without it that is an error. */
    readonly rebuild?: () => readonly AbortedTransaction[]
  }) {
    this.path = options.path
    this.#rebuild = options.rebuild
    this.#disk = options.disk
    this.#exists = options.exists
    if (!options.exists) this.#entries = Buffer.alloc(0)
  }

  get exists(): boolean {
    return this.#exists
  }

  /** Written to the page cache; markers come in growing order. */
  append(transaction: AbortedTransaction): void {
    const entries = this.#load()
    const entry = encodeEntry(transaction)
    this.#write(entry, entries.length)
    this.#entries = Buffer.concat([entries, entry])
  }

  /**
   * Adds to `found` the aborted transactions that reach into [fetchOffset, upperBound). Returns true when no later
   * segment can hold another one.
   */
  collect(
    fetchOffset: number,
    upperBound: number,
    found: { producerId: number; firstOffset: number }[],
  ): boolean {
    if (!this.#exists) return false
    const entries = this.#load()
    for (let at = 0; at < entries.length; at += entryBytes) {
      const firstOffset = readInt64(entries, at + 10)
      if (readInt64(entries, at + 18) >= fetchOffset && firstOffset < upperBound) {
        found.push({ producerId: readInt64(entries, at + 2), firstOffset })
      }
      if (readInt64(entries, at + 26) >= upperBound) return true
    }
    return false
  }

  all(): AbortedTransaction[] {
    const entries = this.#load()
    return Array.from({ length: entries.length / entryBytes }, (_, index) =>
      decodeEntry(entries, index * entryBytes),
    )
  }

  /** Drops entries whose marker is at or beyond `endOffset`. */
  truncateTo(endOffset: number): void {
    if (!this.#exists) return
    const entries = this.#load()
    let size = entries.length
    while (size > 0 && readInt64(entries, size - entryBytes + 18) >= endOffset) size -= entryBytes
    if (size === entries.length) return
    this.#entries = Buffer.from(entries.subarray(0, size))
    const file = this.#disk.open(this.path, 'write')
    try {
      file.truncate(size)
    } finally {
      file.close()
    }
  }

  /** fdatasync of what was appended; nothing without a file. */
  async sync(): Promise<void> {
    if (!this.#exists) return
    const file = this.#disk.open(this.path, 'write')
    try {
      await file.sync()
    } finally {
      file.close()
    }
  }

  /** The segment goes; its file is removed or renamed by whoever removes the segment. */
  forget(): void {
    this.#exists = false
    this.#entries = Buffer.alloc(0)
  }

  #load(): Buffer {
    if (this.#entries !== undefined) return this.#entries
    const content = this.#disk.readFile(this.path) ?? Buffer.alloc(0)
    this.#entries = isWholeTransactionIndex(content) ? content : this.#rebuilt()
    return this.#entries
  }

  #rebuilt(): Buffer {
    if (this.#rebuild === undefined) {
      throw new DamagedTransactionIndex(`The index of aborted transactions ${this.path} is damaged.`)
    }
    const entries = encodeTransactionIndex(this.#rebuild())
    this.#disk.writeFileAtomically(this.path, entries)
    return entries
  }

  #write(entry: Buffer, position: number): void {
    const file = this.#disk.open(this.path, 'create')
    try {
      file.writeSync(entry, 0, entry.length, position)
    } finally {
      file.close()
    }
    this.#exists = true
  }
}

/** The segment has to be read again to know its aborted transactions; until then readers of committed data cannot be answered. */
export class DamagedTransactionIndex extends Error {
  override readonly name = 'DamagedTransactionIndex'
}

export function encodeTransactionIndex(transactions: readonly AbortedTransaction[]): Buffer {
  return Buffer.concat(transactions.map(encodeEntry))
}

/** Whole entries of the version we know, their markers in growing order. */
export function isWholeTransactionIndex(content: Buffer): boolean {
  if (content.length % entryBytes !== 0) return false
  let previousLastOffset = -1
  for (let at = 0; at < content.length; at += entryBytes) {
    const { firstOffset, lastOffset } = decodeEntry(content, at)
    if (content.readInt16BE(at) !== version) return false
    if (firstOffset < 0 || firstOffset > lastOffset || lastOffset <= previousLastOffset) return false
    previousLastOffset = lastOffset
  }
  return true
}

function encodeEntry(transaction: AbortedTransaction): Buffer {
  const entry = Buffer.alloc(entryBytes)
  entry.writeInt16BE(version, 0)
  writeInt64(entry, transaction.producerId, 2)
  writeInt64(entry, transaction.firstOffset, 10)
  writeInt64(entry, transaction.lastOffset, 18)
  writeInt64(entry, transaction.lastStableOffset, 26)
  return entry
}

function decodeEntry(entries: Buffer, at: number): AbortedTransaction {
  return {
    producerId: readInt64(entries, at + 2),
    firstOffset: readInt64(entries, at + 10),
    lastOffset: readInt64(entries, at + 18),
    lastStableOffset: readInt64(entries, at + 26),
  }
}
