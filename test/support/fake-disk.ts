import { dirname } from 'node:path'
import {
  type DirectoryEntry,
  type Disk,
  DiskError,
  type DiskFile,
  type DiskLock,
  type FileStat,
  type OpenMode,
} from '../../broker/log/disk.ts'
import { FakeInode } from './fake-inode.ts'

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'makeDirectory'
  | 'removeDirectory'
  | 'readDirectory'
  | 'stat'
  | 'syncDirectory'
  | 'lock'

interface Fault {
  readonly operation: DiskOperation
  readonly path: RegExp
  readonly code: string
  after: number
  times: number
}

/**
 * A disk in memory that behaves as a real one does, and, when told to, as a bad one: it fails operations, fills up, and loses in
 * a power cut what was not synced. Directories lose entries that were made, renamed or removed without `syncDirectory`.
 */
export class FakeDisk implements Disk {
  /** Of all files together; writes beyond fail with ENOSPC after writing what fits. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** While true, syncs do not end before `releaseSyncs`. */
  holdSyncs = false
  /** How often each operation was done. */
  readonly counts = new Map<DiskOperation, number>()
  openFiles = 0
  readonly #files = new Map<string, FakeInode>()
  readonly #directories = new Set<string>(['/'])
  readonly #locks = new Set<string>()
  readonly #now: () => number
  #faults: Fault[] = []
  #held: (() => void)[] = []
  /** Changes to directories since their last sync, the newest last. */
  #directoryUndo: { readonly directory: string; undo(): void }[] = []
  /** A power cut makes every descriptor and lock of before useless. */
  #life = 0

  constructor(now: () => number = () => 0) {
    this.#now = now
  }

  get usedBytes(): number {
    let used = 0
    for (const inode of this.#files.values()) used += inode.size
    return used
  }

  get heldSyncs(): number {
    return this.#held.length
  }

  /** Paths of all files. */
  paths(): string[] {
    return [...this.#files.keys()].sort()
  }

  /** Makes an operation on matching paths fail, after it has succeeded `after` times, `times` times. Answers how to stop it. */
  fail(
    operation: DiskOperation,
    options: {
      readonly path?: RegExp
      readonly code?: string
      readonly after?: number
      readonly times?: number
    } = {},
  ): () => void {
    const fault = {
      operation,
      path: options.path ?? /.*/,
      code: options.code ?? 'EIO',
      after: options.after ?? 0,
      times: options.times ?? Number.POSITIVE_INFINITY,
    }
    this.#faults.push(fault)
    return () => {
      this.#faults = this.#faults.filter(other => other !== fault)
    }
  }

  releaseSyncs(): void {
    const held = this.#held
    this.#held = []
    for (const release of held) release()
  }

  /** The process is killed: open files and locks are gone, everything written is there. */
  kill(): void {
    this.#life++
    this.#locks.clear()
    this.#held = []
    this.openFiles = 0
  }

  /**
   * The power fails. Everything since the last sync of a file or directory is lost; with `tear`, instead, only the end of the
   * last unsynced write of each file is lost: it keeps so many bytes.
   */
  cutPower(options: { readonly tear?: number } = {}): void {
    this.kill()
    for (const inode of this.#files.values()) {
      if (options.tear === undefined) inode.loseUnsynced()
      else inode.tearLast(options.tear)
    }
    if (options.tear === undefined) for (const change of this.#directoryUndo.toReversed()) change.undo()
    this.#directoryUndo = []
  }

  /** Content of a file, as a copy, without counting as an operation. */
  peek(path: string): Buffer {
    const inode = this.#files.get(path)
    if (inode === undefined)
      throw new Error(`There is no file ${path}; there are ${this.paths().join(', ')}.`)
    return inode.bytes()
  }

  /** Changes a file behind everybody's back: damage. */
  poke(path: string, content: Buffer): void {
    this.#files.set(path, new FakeInode(this.#now, Buffer.from(content), content.length))
  }

  open(path: string, mode: OpenMode): DiskFile {
    this.#begin('open', path)
    const existing = this.#files.get(path)
    if (existing === undefined && (mode === 'read' || mode === 'write')) throw noSuchFile('open', path)
    const inode = existing ?? this.#make(path)
    if (mode === 'replace' && existing !== undefined) inode.resize(0)
    this.openFiles++
    return this.#file(path, inode, mode === 'read')
  }

  readFile(path: string): Buffer | undefined {
    this.#begin('read', path)
    return this.#files.has(path) ? this.peek(path) : undefined
  }

  writeFileAtomically(path: string, content: Buffer | string): void {
    const bytes = Buffer.from(content)
    const file = this.open(`${path}.tmp`, 'replace')
    file.writeSync(bytes, 0, bytes.length, 0)
    file.syncNow()
    file.close()
    this.rename(`${path}.tmp`, path)
    this.syncDirectory(dirname(path))
  }

  rename(from: string, to: string): void {
    this.#begin('rename', from)
    if (this.#directories.has(from)) {
      this.#renameDirectory(from, to)
      return
    }
    const inode = this.#files.get(from)
    if (inode === undefined) throw noSuchFile('rename', from)
    const replaced = this.#files.get(to)
    this.#files.delete(from)
    this.#files.set(to, inode)
    this.#directoryUndo.push({
      directory: dirname(to),
      undo: () => {
        if (replaced === undefined) this.#files.delete(to)
        else this.#files.set(to, replaced)
        this.#files.set(from, inode)
      },
    })
  }

  unlink(path: string): void {
    this.#begin('unlink', path)
    const inode = this.#files.get(path)
    if (inode === undefined) return
    this.#files.delete(path)
    this.#directoryUndo.push({ directory: dirname(path), undo: () => this.#files.set(path, inode) })
  }

  makeDirectory(path: string): boolean {
    this.#begin('makeDirectory', path)
    if (this.#directories.has(path)) return false
    for (let at = path; !this.#directories.has(at); at = dirname(at)) {
      const made = at
      this.#directories.add(made)
      this.#directoryUndo.push({ directory: dirname(made), undo: () => this.#directories.delete(made) })
    }
    return true
  }

  removeDirectory(path: string): void {
    this.#begin('removeDirectory', path)
    for (const file of this.#files.keys()) if (file.startsWith(`${path}/`)) this.#files.delete(file)
    for (const directory of this.#directories) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#directories.delete(directory)
    }
  }

  readDirectory(path: string): DirectoryEntry[] {
    this.#begin('readDirectory', path)
    if (!this.#directories.has(path)) throw noSuchFile('list', path)
    const files = [...this.#files.keys()].filter(file => dirname(file) === path)
    const directories = [...this.#directories].filter(
      directory => directory !== '/' && dirname(directory) === path,
    )
    return [
      ...files.map(file => ({ name: file.slice(path.length).replace(/^\//, ''), kind: 'file' as const })),
      ...directories.map(name => ({
        name: name.slice(path.length).replace(/^\//, ''),
        kind: 'directory' as const,
      })),
    ]
  }

  stat(path: string): FileStat | undefined {
    this.#begin('stat', path)
    const inode = this.#files.get(path)
    if (inode !== undefined)
      return { sizeInBytes: inode.size, modifiedAtMs: inode.modifiedAtMs, isDirectory: false }
    return this.#directories.has(path) ? { sizeInBytes: 0, modifiedAtMs: 0, isDirectory: true } : undefined
  }

  setModifiedTime(path: string, modifiedAtMs: number): void {
    const inode = this.#files.get(path)
    if (inode === undefined) throw noSuchFile('set the time of', path)
    inode.modifiedAtMs = modifiedAtMs
  }

  syncDirectory(path: string): void {
    this.#begin('syncDirectory', path)
    this.#directoryUndo = this.#directoryUndo.filter(change => change.directory !== path)
  }

  async directorySynced(path: string): Promise<void> {
    await this.#syncEnds()
    this.syncDirectory(path)
  }

  space(): { totalBytes: number; usableBytes: number } {
    const totalBytes = Number.isFinite(this.capacityBytes) ? this.capacityBytes : 2 ** 40
    return { totalBytes, usableBytes: Math.max(0, totalBytes - this.usedBytes) }
  }

  openFilesLimit(): number {
    return Number.POSITIVE_INFINITY
  }

  lock(path: string): DiskLock {
    this.#begin('lock', path)
    if (this.#locks.has(path)) throw new DiskError(`${path} is held by another process.`, path, 'ELOCKED')
    this.#locks.add(path)
    if (!this.#files.has(path)) this.#make(path)
    const life = this.#life
    return {
      release: () => {
        if (life === this.#life) this.#locks.delete(path)
      },
    }
  }

  #file(path: string, inode: FakeInode, isReadOnly: boolean): DiskFile {
    const life = this.#life
    let isOpen = true
    const use = (operation: DiskOperation): void => {
      if (life !== this.#life)
        throw new DiskError(`${path} was open in a process that is dead.`, path, 'EBADF')
      if (!isOpen) throw new DiskError(`${path} is closed.`, path, 'EBADF')
      this.#begin(operation, path)
    }
    const readSync = (target: Buffer, at: number, length: number, position: number): number => {
      use('read')
      return inode.read(target, at, length, position)
    }
    const syncNow = (): void => {
      use('sync')
      inode.synced()
    }
    return {
      path,
      readSync,
      async read(target, at, length, position) {
        await Promise.resolve()
        return readSync(target, at, length, position)
      },
      writeSync: (source, start, length, position) => {
        use('write')
        if (isReadOnly) throw new DiskError(`${path} is open for reading only.`, path, 'EBADF')
        const room = this.capacityBytes - this.usedBytes + Math.max(0, inode.size - position)
        const fits = Math.max(0, Math.min(length, room))
        inode.write(source.subarray(start, start + fits), position)
        if (fits < length) throw new DiskError(`Could not write ${path}: the disk is full.`, path, 'ENOSPC')
      },
      sync: async () => {
        await this.#syncEnds()
        syncNow()
      },
      syncNow,
      truncate: sizeInBytes => {
        use('truncate')
        inode.resize(sizeInBytes)
      },
      size: () => inode.size,
      close: () => {
        if (!isOpen) throw new DiskError(`${path} is closed twice.`, path, 'EBADF')
        isOpen = false
        if (life === this.#life) this.openFiles--
      },
    }
  }

  #make(path: string): FakeInode {
    if (!this.#directories.has(dirname(path))) throw noSuchFile('make', path)
    const inode = new FakeInode(this.#now)
    this.#files.set(path, inode)
    this.#directoryUndo.push({ directory: dirname(path), undo: () => this.#files.delete(path) })
    return inode
  }

  #renameDirectory(from: string, to: string): void {
    const moved = (path: string): string => (path === from ? to : `${to}${path.slice(from.length)}`)
    for (const [path, inode] of this.#files) {
      if (!path.startsWith(`${from}/`)) continue
      this.#files.delete(path)
      this.#files.set(moved(path), inode)
    }
    for (const directory of this.#directories) {
      if (directory !== from && !directory.startsWith(`${from}/`)) continue
      this.#directories.delete(directory)
      this.#directories.add(moved(directory))
    }
  }

  #syncEnds(): Promise<void> {
    if (!this.holdSyncs) return Promise.resolve()
    return new Promise(resolve => this.#held.push(resolve))
  }

  #begin(operation: DiskOperation, path: string): void {
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1)
    for (const fault of this.#faults) {
      if (fault.operation !== operation || !fault.path.test(path)) continue
      if (fault.after > 0) fault.after--
      else if (fault.times > 0) {
        fault.times--
        throw new DiskError(
          `Could not ${operation} ${path}: ${fault.code} by order of the test.`,
          path,
          fault.code,
        )
      }
    }
  }
}

function noSuchFile(verb: string, path: string): DiskError {
  return new DiskError(`Could not ${verb} ${path}: there is none.`, path, 'ENOENT')
}
