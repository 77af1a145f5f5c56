import { type Disk, DiskError, type DiskFile, type OpenMode } from './disk.ts'

const mostOpen = 4096

/**
 * The files of all logs on one disk: opened when they are used, and the ones not used for longest closed when there
 * are too many, so that ten thousand partitions do not need tens of thousands of descriptors.
 */
export class OpenFiles {
  readonly disk: Disk
  readonly #limit: number
  /** In the order of their last use. */
  readonly #open = new Set<LazyFile>()
  #last: LazyFile | undefined

  /** Without a `limit` at most half of what the process may have, so that sockets have the rest. */
  constructor(disk: Disk, limit?: number) {
    this.disk = disk
    this.#limit = limit ?? Math.min(mostOpen, Math.floor(disk.openFilesLimit() / 2))
  }

  /** The one of this disk, shared by everything that was not given another. */
  static of(disk: Disk): OpenFiles {
    let files = shared.get(disk)
    if (files === undefined) {
      files = new OpenFiles(disk)
      shared.set(disk, files)
    }
    return files
  }

  get openCount(): number {
    return this.#open.size
  }

  /** `file` is being used now. */
  touch(file: LazyFile): void {
    if (file === this.#last) return
    this.#open.delete(file)
    this.#open.add(file)
    this.#last = file
  }

  open(path: string, mode: OpenMode): DiskFile {
    if (this.#open.size >= this.#limit) this.#closeOldest(this.#open.size - this.#limit + 1)
    try {
      return this.disk.open(path, mode)
    } catch (error) {
      // The system allows fewer than we thought: make room and try once more.
      const isOutOfDescriptors =
        error instanceof DiskError && (error.code === 'EMFILE' || error.code === 'ENFILE')
      if (!isOutOfDescriptors || this.#open.size === 0) throw error
      this.#closeOldest(Math.ceil(this.#open.size / 2))
      return this.disk.open(path, mode)
    }
  }

  forget(file: LazyFile): void {
    this.#open.delete(file)
    if (this.#last === file) this.#last = undefined
  }

  #closeOldest(count: number): void {
    let remaining = count
    for (const file of this.#open) {
      if (remaining <= 0) return
      if (file.isBusy) continue
      file.close()
      remaining--
    }
  }
}

const shared = new WeakMap<Disk, OpenFiles>()

/** A file by its path, which may be closed behind its back between uses and is then opened again. */
export class LazyFile {
  readonly #files: OpenFiles
  #path: string
  #create: boolean
  #file: DiskFile | undefined
  #busy = 0
  #closing = false

  /** With `create` a missing file is made when it is first used; without, that is an error. */
  constructor(files: OpenFiles, path: string, create = false) {
    this.#files = files
    this.#path = path
    this.#create = create
  }

  get path(): string {
    return this.#path
  }

  /** Something off the loop is using the descriptor. */
  get isBusy(): boolean {
    return this.#busy > 0
  }

  readSync(target: Buffer, at: number, length: number, position: number): number {
    return this.#use().readSync(target, at, length, position)
  }

  writeSync(source: Buffer, start: number, length: number, position: number): void {
    this.#use().writeSync(source, start, length, position)
  }

  async read(target: Buffer, at: number, length: number, position: number): Promise<number> {
    const file = this.#use()
    this.#busy++
    try {
      return await file.read(target, at, length, position)
    } finally {
      this.#noLongerBusy()
    }
  }

  async sync(): Promise<void> {
    const file = this.#use()
    this.#busy++
    try {
      await file.sync()
    } finally {
      this.#noLongerBusy()
    }
  }

  syncNow(): void {
    this.#use().syncNow()
  }

  truncate(sizeInBytes: number): void {
    this.#use().truncate(sizeInBytes)
  }

  size(): number {
    return this.#use().size()
  }

  /** The file has been given another name on the disk. An open descriptor stays good. */
  renamed(path: string): void {
    this.#path = path
  }

  /** Gives the descriptor back, as soon as nothing off the loop uses it; the next use opens the file again. */
  close(): void {
    this.#closing = this.#busy > 0
    if (this.#file === undefined || this.#closing) return
    const file = this.#file
    this.#file = undefined
    this.#files.forget(this)
    file.close()
  }

  #noLongerBusy(): void {
    this.#busy--
    if (this.#closing && this.#busy === 0) this.close()
  }

  #use(): DiskFile {
    if (this.#file === undefined) {
      this.#file = this.#files.open(this.#path, this.#create ? 'create' : 'write')
      // From now on it has been there: should it vanish, that must be noticed.
      this.#create = false
    }
    this.#closing = false
    this.#files.touch(this)
    return this.#file
  }
}
