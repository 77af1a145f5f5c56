import { join } from 'node:path'
import { ProtocolError, Writer } from '../../protocol/index.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Disk, DiskFile, DiskLock } from '../log/disk.ts'
import {
  beginFrame,
  decodeEntries,
  decodeFileHeader,
  decodeTransactions,
  encodeEntries,
  encodeFileHeader,
  endFrame,
  type FileKind,
  fileHeaderBytes,
  frameAt,
  hasFrameAfter,
  type LoggedOperation,
} from './embedded-format.ts'
import type { StoreEntry } from './metadata-store.ts'

/**
 * The directory of an embedded store: one snapshot `snapshot-<revision>` (none at first) and the logs
 * `wal-<revision>` that go on from it, each from where the one before ends. More than one log is there only from the
 * moment a new snapshot is begun until it is finished.
 */
export class EmbeddedFiles {
  readonly #disk: Disk
  readonly #directory: string
  readonly #lock: DiskLock
  #log: DiskFile
  #logEnd: number
  /** Of the logs before the current one that no snapshot has replaced yet. */
  #olderBytes: number
  #stopSnapshot = false

  private constructor(disk: Disk, directory: string, lock: DiskLock, log: DiskFile, loaded: Loaded) {
    this.#disk = disk
    this.#directory = directory
    this.#lock = lock
    this.#log = log
    this.#logEnd = Math.max(loaded.end, fileHeaderBytes)
    this.#olderBytes = loaded.olderBytes
  }

  /** Takes the directory for this process and loads it. Throws StoreDamaged, or the disk's own errors. */
  static async open(disk: Disk, directory: string, logger: Logger): Promise<OpenedFiles> {
    disk.makeDirectory(directory)
    const lock = disk.lock(join(directory, 'lock'))
    try {
      const loaded = load(disk, directory, logger)
      const path = join(directory, fileName('wal', loaded.base))
      const log = disk.open(path, 'create')
      if (log.size() > loaded.end) log.truncate(loaded.end)
      if (loaded.end === 0) log.writeSync(encodeFileHeader('wal', loaded.base, 0), 0, fileHeaderBytes, 0)
      await log.sync()
      await disk.directorySynced(directory)
      const files = new EmbeddedFiles(disk, directory, lock, log, loaded)
      files.#removeOlderThan(loaded.snapshot)
      return { files, entries: loaded.entries, revision: loaded.revision }
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** What a start would have to replay. */
  get loggedBytes(): number {
    return this.#olderBytes + this.#logEnd
  }

  /** Puts a frame behind the others. When this throws, the log is as it was. */
  append(frame: Buffer): void {
    try {
      this.#log.writeSync(frame, 0, frame.length, this.#logEnd)
    } catch (error) {
      this.#cutUnfinishedFrame()
      throw error
    }
    this.#logEnd += frame.length
  }

  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** Later frames go to a new log that begins at this revision. When this throws, the old one stays in use. */
  async beginLog(revision: number): Promise<void> {
    const log = this.#disk.open(join(this.#directory, fileName('wal', revision)), 'replace')
    try {
      log.writeSync(encodeFileHeader('wal', revision, 0), 0, fileHeaderBytes, 0)
      await log.sync()
      await this.#disk.directorySynced(this.#directory)
    } catch (error) {
      log.close()
      this.#disk.unlink(log.path)
      throw error
    }
    this.#log.close()
    this.#log = log
    this.#olderBytes += this.#logEnd
    this.#logEnd = fileHeaderBytes
  }

  /**
   * Writes the state as of `revision` in slices, with the loop free between them, and then removes what it replaces.
   * Sees to it that a snapshot is either whole or not there.
   */
  async writeSnapshot(revision: number, entries: readonly StoreEntry[]): Promise<void> {
    const path = join(this.#directory, fileName('snapshot', revision))
    const temporary = `${path}${temporarySuffix}`
    const file = this.#disk.open(temporary, 'replace')
    try {
      file.writeSync(encodeFileHeader('snapshot', revision, entries.length), 0, fileHeaderBytes, 0)
      let end = fileHeaderBytes
      for (let from = 0; from < entries.length; from += entriesPerFrame) {
        const frame = encodeSnapshotFrame(entries.slice(from, from + entriesPerFrame))
        file.writeSync(frame, 0, frame.length, end)
        end += frame.length
        await file.sync()
        if (this.#stopSnapshot) return
      }
      await file.sync()
    } finally {
      file.close()
    }
    this.#disk.rename(temporary, path)
    await this.#disk.directorySynced(this.#directory)
    this.#olderBytes = 0
    this.#removeOlderThan(revision)
  }

  /** A snapshot under way is given up at its next slice. */
  stopSnapshot(): void {
    this.#stopSnapshot = true
  }

  close(): void {
    this.#log.close()
    this.#lock.release()
  }

  /** A whole frame written later would hide the rest of this one; so would a sync that fails: both are cut at the next start. */
  #cutUnfinishedFrame(): void {
    try {
      this.#log.truncate(this.#logEnd)
    } catch {
      // The first failure is the one to tell.
    }
  }

  #removeOlderThan(snapshot: number): void {
    for (const { name } of this.#disk.readDirectory(this.#directory)) {
      const found = parseName(name)
      if (name.endsWith(temporarySuffix) || (found !== undefined && found.revision < snapshot)) {
        this.#disk.unlink(join(this.#directory, name))
      }
    }
  }
}

interface OpenedFiles {
  readonly files: EmbeddedFiles
  readonly entries: Map<string, StoreEntry>
  readonly revision: number
}

/** What the directory holds cannot be trusted. The sentence says which file, where, and what can be done. */
class StoreDamaged extends Error {
  override readonly name = 'StoreDamaged'

  constructor(path: string, what: string, cause?: unknown) {
    super(
      `The metadata store is damaged: ${path} ${what}. Put the directory back from a copy; or move it away to begin with an empty cluster.`,
      cause === undefined ? undefined : { cause },
    )
  }
}

/** What one logged operation does to the entries: in life and when the log is replayed. */
export function applyOperation(
  entries: Map<string, StoreEntry>,
  operation: LoggedOperation,
  revision: number,
): StoreEntry | undefined {
  const { key } = operation
  if (operation.kind === 'delete') {
    entries.delete(key)
    return undefined
  }
  const createRevision = entries.get(key)?.createRevision ?? revision
  const entry = { key, value: operation.value, createRevision, modRevision: revision, lease: operation.lease }
  entries.set(key, entry)
  return entry
}

const temporarySuffix = '.tmp'
const entriesPerFrame = 2000

function fileName(kind: FileKind, revision: number): string {
  return `${kind}-${String(revision).padStart(16, '0')}`
}

function parseName(name: string): { kind: FileKind; revision: number } | undefined {
  const match = /^(wal|snapshot)-([0-9]{16})$/.exec(name)
  return match === null ? undefined : { kind: match[1] as FileKind, revision: Number(match[2]) }
}

function encodeSnapshotFrame(entries: readonly StoreEntry[]): Buffer {
  const writer = new Writer(entries.length * 256)
  const start = beginFrame(writer)
  encodeEntries(writer, entries)
  endFrame(writer, start)
  return writer.finish()
}

interface Loaded {
  readonly entries: Map<string, StoreEntry>
  revision: number
  /** Revision of the snapshot, 0 without one. */
  readonly snapshot: number
  /** Base revision of the log to go on with. */
  base: number
  /** Sizes of the logs before that one. */
  olderBytes: number
  /** Where its last sound frame ends; 0 when the log is still to be made. */
  end: number
}

function load(disk: Disk, directory: string, logger: Logger): Loaded {
  const names = disk.readDirectory(directory).map(entry => parseName(entry.name))
  const revisions = (kind: FileKind): number[] =>
    names.flatMap(name => (name?.kind === kind ? [name.revision] : [])).sort((a, b) => a - b)
  const snapshot = revisions('snapshot').at(-1) ?? 0
  const loaded: Loaded = {
    entries: new Map(),
    revision: snapshot,
    snapshot,
    base: snapshot,
    end: 0,
    olderBytes: 0,
  }
  if (snapshot > 0) loadSnapshot(disk, join(directory, fileName('snapshot', snapshot)), loaded)

  const logs = revisions('wal')
    .filter(base => base >= snapshot)
    .map(base => readLog(disk, directory, base))
  if (logs.length === 0 && snapshot > 0)
    throw new StoreDamaged(join(directory, fileName('wal', snapshot)), 'is missing')
  dropUnused(disk, logs)
  for (const [index, log] of logs.entries()) replayLog(log, index === logs.length - 1, loaded, logger)
  return loaded
}

interface LogFile {
  readonly path: string
  readonly base: number
  readonly file: Buffer
}

function readLog(disk: Disk, directory: string, base: number): LogFile {
  const path = join(directory, fileName('wal', base))
  return { path, base, file: disk.readFile(path) ?? Buffer.alloc(0) }
}

/** A log that was begun and holds no commit: the one before it may have been gone on with, and is whole. */
function dropUnused(disk: Disk, logs: LogFile[]): void {
  for (let last = logs.at(-1); last !== undefined && logs.length > 1; last = logs.at(-1)) {
    if (hasFrameAfter(last.file, 0)) return
    disk.unlink(last.path)
    logs.pop()
  }
}

function loadSnapshot(disk: Disk, path: string, loaded: Loaded): void {
  const file = disk.readFile(path) ?? Buffer.alloc(0)
  const header = decodeFileHeader('snapshot', file)
  if (header?.revision !== loaded.revision) throw new StoreDamaged(path, 'has no valid header')
  for (let at = fileHeaderBytes; at < file.length; ) {
    const frame = frameAt(file, at)
    if (frame === undefined) throw new StoreDamaged(path, `does not match its checksum at byte ${at}`)
    const take = (entry: StoreEntry): void => void loaded.entries.set(entry.key, entry)
    orDamaged(path, at, () => decodeEntries(file, frame.start, frame.end, take))
    at = frame.end
  }
  if (loaded.entries.size !== header.entries) {
    throw new StoreDamaged(path, `holds ${loaded.entries.size} entries instead of ${header.entries}`)
  }
}

function replayLog({ path, base, file }: LogFile, isLast: boolean, loaded: Loaded, logger: Logger): void {
  if (decodeFileHeader('wal', file)?.revision !== base) {
    // The very first log of a store, cut short while it was made.
    if (base === 0 && loaded.revision === 0 && isLast && !hasFrameAfter(file, 0)) {
      loaded.end = 0
      return
    }
    throw new StoreDamaged(path, 'has no valid header')
  }
  if (base !== loaded.revision) {
    throw new StoreDamaged(
      path,
      `begins at revision ${base}, but what is before it ends at ${loaded.revision}`,
    )
  }
  let at = fileHeaderBytes
  for (let frame = frameAt(file, at); frame !== undefined; frame = frameAt(file, at)) {
    const { start, end } = frame
    orDamaged(path, at, () => replayFrame(file, start, end, loaded))
    at = end
  }
  if (at < file.length) {
    if (!isLast || hasFrameAfter(file, at + 1)) {
      throw new StoreDamaged(path, `does not match its checksum at byte ${at}, and changes follow after it`)
    }
    const fields = { path, at, cutBytes: file.length - at }
    logger.warn(fields, 'An unfinished write at the end of the metadata log was cut off.')
  }
  loaded.olderBytes += loaded.end
  loaded.base = base
  loaded.end = at
}

function replayFrame(file: Buffer, start: number, end: number, loaded: Loaded): void {
  for (const { revision, operations } of decodeTransactions(file, start, end)) {
    if (revision !== loaded.revision + 1) {
      throw new ProtocolError(`Revision ${revision} follows ${loaded.revision}.`)
    }
    for (const operation of operations) applyOperation(loaded.entries, operation, revision)
    loaded.revision = revision
  }
}

function orDamaged(path: string, at: number, decode: () => void): void {
  try {
    decode()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new StoreDamaged(path, `makes no sense at byte ${at}`, error)
  }
}
