import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { takeFileLock } from './file-lock.ts'

/**
 * The file operations that the log and the embedded metadata store use, and nothing else: the door that tests and
 * simulations replace. Every failure is a `DiskError` with a sentence, the path and the system's code.
 *
 * Synchronous unless it says otherwise: appends and reads of recent data go to the page cache, where a trip through
 * the thread pool costs several times the work itself.
 */
export interface Disk {
  /**
   * - `read`: the file must exist; writing fails.
   * - `write`: the file must exist.
   * - `create`: made when missing; content kept when there.
   * - `replace`: made when missing; emptied when there.
   */
  open(path: string, mode: OpenMode): DiskFile
  /** The whole content; undefined when there is no such file. */
  readFile(path: string): Buffer | undefined
  /**
   * Afterwards the file holds either its old or all of its new content, whatever happens meanwhile: written to
   * `path + '.tmp'`, synced, renamed, directory synced.
   */
  writeFileAtomically(path: string, content: Buffer | string): void
  /** Replaces what stands at `to`. */
  rename(from: string, to: string): void
  /** Does nothing when there is no such file. */
  unlink(path: string): void
  /** With all missing parents; does nothing when it is there. Whether it was made: then there is nothing in it. */
  makeDirectory(path: string): boolean
  /** With everything in it; does nothing when it is not there. */
  removeDirectory(path: string): void
  /** In no particular order; throws when there is no such directory. Symbolic links are neither files nor directories. */
  readDirectory(path: string): DirectoryEntry[]
  /** Undefined when there is nothing at this path. Follows symbolic links. */
  stat(path: string): FileStat | undefined
  setModifiedTime(path: string, modifiedAtMs: number): void
  /** Makes creations, renames and removals in this directory survive a power cut. */
  syncDirectory(path: string): void
  /** The same off the loop. */
  directorySynced(path: string): Promise<void>
  space(path: string): { readonly totalBytes: number; readonly usableBytes: number }
  /** How many files and sockets the process may have open. */
  openFilesLimit(): number
  /**
   * Holds this file for this process until released or until the process ends, however it ends. Throws a `DiskError` with code
   * `ELOCKED` when another living process holds it.
   */
  lock(path: string): DiskLock
}

export type OpenMode = 'read' | 'write' | 'create' | 'replace'

export interface DiskFile {
  readonly path: string
  /** Reads up to `length` bytes to `target` at `at`; returns how many: fewer only at the end of the file. */
  readSync(target: Buffer, at: number, length: number, position: number): number
  /** As `readSync`, off the loop. */
  read(target: Buffer, at: number, length: number, position: number): Promise<number>
  /** Writes all `length` bytes of `source` from `start`, or throws; part of them may then stand in the file. */
  writeSync(source: Buffer, start: number, length: number, position: number): void
  /** fdatasync: resolves when the content is on the device. */
  sync(): Promise<void>
  syncNow(): void
  truncate(sizeInBytes: number): void
  size(): number
  close(): void
}

export interface DirectoryEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'other'
}

export interface FileStat {
  readonly sizeInBytes: number
  readonly modifiedAtMs: number
  readonly isDirectory: boolean
}

export interface DiskLock {
  release(): void
}

/** `code` is the system's (`ENOSPC`, `EIO`, …) or `ELOCKED`. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string
  readonly path: string

  constructor(sentence: string, path: string, code: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.code = code
    this.path = path
  }
}

/**
 * There is no room left, or the quota is used up. When a write or the making of a file says so, nothing but that has
 * failed, and it may succeed later; when a sync says so, what was written before is lost.
 */
export function isDiskFull(error: unknown): error is DiskError {
  return error instanceof DiskError && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

const flagsOf: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
  replace: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
}

class SystemFile implements DiskFile {
  readonly path: string
  readonly #descriptor: number

  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  readSync(target: Buffer, at: number, length: number, position: number): number {
    try {
      let done = 0
      while (done < length) {
        const count = readSync(this.#descriptor, target, at + done, length - done, position + done)
        if (count === 0) break
        done += count
      }
      return done
    } catch (error) {
      throw diskError(`read ${length} bytes at ${position} of`, this.path, error)
    }
  }

  async read(target: Buffer, at: number, length: number, position: number): Promise<number> {
    let done = 0
    while (done < length) {
      const count = await this.#readOnce(target, at + done, length - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  #readOnce(target: Buffer, at: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, at, length, position, (error, count) => {
        if (error === null) resolve(count)
        else reject(diskError(`read ${length} bytes at ${position} of`, this.path, error))
      })
    })
  }

  writeSync(source: Buffer, start: number, length: number, position: number): void {
    try {
      let done = 0
      // A write may be cut short (a signal, a nearly full disk); the next one tells why.
      while (done < length) {
        done += writeSync(this.#descriptor, source, start + done, length - done, position + done)
      }
    } catch (error) {
      throw diskError(`write ${length} bytes at ${position} of`, this.path, error)
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, error => {
        if (error === null) resolve()
        else reject(diskError('sync', this.path, error))
      })
    })
  }

  syncNow(): void {
    attempt('sync', this.path, () => fdatasyncSync(this.#descriptor))
  }

  truncate(sizeInBytes: number): void {
    attempt(`cut to ${sizeInBytes} bytes`, this.path, () => ftruncateSync(this.#descriptor, sizeInBytes))
  }

  size(): number {
    return attempt('look at', this.path, () => fstatSync(this.#descriptor).size)
  }

  close(): void {
    attempt('close', this.path, () => closeSync(this.#descriptor))
  }
}

export const systemDisk: Disk = {
  open(path, mode) {
    return attempt('open', path, () => new SystemFile(path, openSync(path, flagsOf[mode], 0o644)))
  },
  readFile(path) {
    return attemptUnlessMissing('read', path, () => readFileSync(path))
  },
  writeFileAtomically(path, content) {
    const temporary = `${path}.tmp`
    attempt('write', path, () => {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      const descriptor = openSync(temporary, flagsOf.replace, 0o644)
      try {
        for (let done = 0; done < bytes.length; ) {
          done += writeSync(descriptor, bytes, done, bytes.length - done, done)
        }
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
      renameSync(temporary, path)
      syncDirectoryNow(dirname(path))
    })
  },
  rename(from, to) {
    attempt(`rename to ${to} the file`, from, () => renameSync(from, to))
  },
  unlink(path) {
    attemptUnlessMissing('remove', path, () => {
      // Mostly there is none, and an exception costs more than a look.
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) unlinkSync(path)
    })
  },
  makeDirectory(path) {
    return attempt('make the directory', path, () => mkdirSync(path, { recursive: true }) !== undefined)
  },
  removeDirectory(path) {
    attempt('remove the directory', path, () => rmSync(path, { recursive: true, force: true }))
  },
  readDirectory(path) {
    return attempt('list', path, () =>
      readdirSync(path, { withFileTypes: true }).map(entry => ({
        name: entry.name,
        kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other',
      })),
    )
  },
  stat(path) {
    return attemptUnlessMissing('look at', path, () => {
      const found = statSync(path, { throwIfNoEntry: false })
      return (
        found && { sizeInBytes: found.size, modifiedAtMs: found.mtimeMs, isDirectory: found.isDirectory() }
      )
    })
  },
  setModifiedTime(path, modifiedAtMs) {
    attempt('set the time of', path, () => utimesSync(path, modifiedAtMs / 1000, modifiedAtMs / 1000))
  },
  syncDirectory(path) {
    attempt('sync the directory', path, () => syncDirectoryNow(path))
  },
  async directorySynced(path) {
    try {
      const handle = await open(path, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw diskError('sync the directory', path, error)
    }
  },
  space(path) {
    return attempt('ask for the free space of', path, () => {
      const found = statfsSync(path)
      return { totalBytes: found.blocks * found.bsize, usableBytes: found.bavail * found.bsize }
    })
  },
  openFilesLimit() {
    // Node itself raises the soft limit to the hard one when it starts.
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readIfThereOr('/proc/self/limits', ''))?.[1]
    return line === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line ?? 1024)
  },
  lock(path) {
    return lockFile(path)
  },
}

function syncDirectoryNow(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function lockFile(path: string): DiskLock {
  const lock = attempt('lock', path, () => takeFileLock(path))
  if (lock.kind === 'held') return { release: () => attempt('unlock', path, () => lock.release()) }
  const holder = lock.owner === '' ? 'another process' : `process ${lock.owner}`
  throw new DiskError(
    `${path} is held by ${holder}: two brokers must not share a directory.`,
    path,
    'ELOCKED',
  )
}

function readIfThereOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}

function attempt<T>(verb: string, path: string, operation: () => T): T {
  try {
    return operation()
  } catch (error) {
    throw diskError(verb, path, error)
  }
}

function attemptUnlessMissing<T>(verb: string, path: string, operation: () => T): T | undefined {
  try {
    return operation()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw diskError(verb, path, error)
  }
}

function diskError(verb: string, path: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error
  const code = codeOf(error) ?? 'UNKNOWN'
  return new DiskError(
    `Could not ${verb} ${path}: ${error instanceof Error ? error.message : code}`,
    path,
    code,
    error,
  )
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
