import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Disk, DiskError, systemDisk } from '../../../broker/log/disk.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'barnabas-disk-'))
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

for (const [name, makeDisk] of [
  ["the system's disk", () => ({ disk: systemDisk as Disk, at: root })],
  ['the disk in memory', () => ({ disk: new FakeDisk() as Disk, at: '/' })],
] as const) {
  describe(name, () => {
    function setUp(): { disk: Disk; path: (file: string) => string } {
      const { disk, at } = makeDisk()
      return { disk, path: file => join(at, file) }
    }

    test('reads what was written, at any place', async () => {
      const { disk, path } = setUp()
      const file = disk.open(path('a'), 'create')
      file.writeSync(Buffer.from('hello world'), 6, 5, 3)
      const target = Buffer.alloc(10, '.')
      expect(file.readSync(target, 1, 9, 0)).toBe(8)
      expect(target.toString()).toBe('.\0\0\0world.')
      expect(await file.read(target, 0, 3, 5)).toBe(3)
      expect(target.toString('utf8', 0, 3)).toBe('rld')
      expect(await file.read(target, 0, 3, 50)).toBe(0)
      file.truncate(5)
      expect(file.size()).toBe(5)
      await file.sync()
      file.syncNow()
      file.close()
    })

    test('the modes of opening', () => {
      const { disk, path } = setUp()
      for (const mode of ['read', 'write'] as const) {
        expect(() => disk.open(path('a'), mode)).toThrow(DiskError)
      }
      disk.open(path('a'), 'create').writeSync(Buffer.from('abc'), 0, 3, 0)
      expect(disk.open(path('a'), 'create').size()).toBe(3)
      expect(disk.open(path('a'), 'write').size()).toBe(3)
      expect(() => disk.open(path('a'), 'read').writeSync(Buffer.from('x'), 0, 1, 0)).toThrow(DiskError)
      expect(disk.open(path('a'), 'replace').size()).toBe(0)
    })

    test('files are written whole, renamed, listed and removed', async () => {
      const { disk, path } = setUp()
      expect(disk.makeDirectory(path('d/e'))).toBe(true)
      expect(disk.makeDirectory(path('d/e'))).toBe(false)
      expect(disk.makeDirectory(path('d'))).toBe(false)
      disk.writeFileAtomically(path('d/a'), 'first')
      disk.writeFileAtomically(path('d/a'), 'second')
      expect(disk.readFile(path('d/a'))?.toString()).toBe('second')
      expect(disk.readFile(path('d/b'))).toBeUndefined()
      disk.rename(path('d/a'), path('d/c'))
      const entries = disk.readDirectory(path('d')).sort((a, b) => a.name.localeCompare(b.name))
      expect(entries).toEqual([
        { name: 'c', kind: 'file' },
        { name: 'e', kind: 'directory' },
      ])
      disk.setModifiedTime(path('d/c'), 5000)
      expect(disk.stat(path('d/c'))).toEqual({ sizeInBytes: 6, modifiedAtMs: 5000, isDirectory: false })
      expect(disk.stat(path('d'))?.isDirectory).toBe(true)
      expect(disk.stat(path('nowhere'))).toBeUndefined()
      disk.syncDirectory(path('d'))
      await disk.directorySynced(path('d'))
      disk.unlink(path('d/c'))
      disk.unlink(path('d/c'))
      disk.removeDirectory(path('d'))
      disk.removeDirectory(path('d'))
      expect(disk.stat(path('d'))).toBeUndefined()
      expect(() => disk.readDirectory(path('d'))).toThrow(DiskError)
      expect(disk.space(path('')).usableBytes).toBeGreaterThan(0)
    })

    test('a lock is held once at a time', () => {
      const { disk, path } = setUp()
      const lock = disk.lock(path('.lock'))
      expect(() => disk.lock(path('.lock'))).toThrow(expect.objectContaining({ code: 'ELOCKED' }))
      lock.release()
      disk.lock(path('.lock')).release()
    })

    test("failures name the place and the system's code", () => {
      const { disk, path } = setUp()
      try {
        disk.open(path('missing'), 'read')
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError)
        expect(error).toMatchObject({ code: 'ENOENT', path: path('missing') })
      }
    })
  })
}

describe('the lock of a process', () => {
  test('that is gone does not hold', () => {
    const path = join(root, '.lock')
    writeFileSync(path, '4194305 1234 some-boot')
    systemDisk.lock(path).release()
    // The id lives, but it is another process that has it now.
    writeFileSync(path, `${process.ppid} 1 another-boot`)
    systemDisk.lock(path).release()
  })

  test('lets go of it for good, and can take it again', () => {
    const path = join(root, '.lock')
    const first = systemDisk.lock(path)
    expect(() => systemDisk.lock(path)).toThrow('two brokers')
    first.release()
    systemDisk.lock(path).release()
  })

  test('is seen although its id says nothing, as that of another container', async () => {
    const path = join(root, '.lock')
    const program = 'flock'
    const holder = spawn(program, ['-x', '-F', path, 'sh', '-c', 'echo held; exec cat'])
    await new Promise(resolve => holder.stdout.once('data', resolve))
    try {
      writeFileSync(path, '1 5 another-boot')
      expect(() => systemDisk.lock(path)).toThrow('held by process 1')
    } finally {
      const gone = new Promise(resolve => holder.once('exit', resolve))
      holder.kill('SIGKILL')
      await gone
    }
  })

  test('that lives does hold', async () => {
    const path = join(root, '.lock')
    const disk = join(import.meta.dirname, '../../../broker/log/disk.ts')
    const program = `import { systemDisk } from ${JSON.stringify(disk)}; systemDisk.lock(${JSON.stringify(path)}); console.log('held'); process.stdin.resume()`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program])
    try {
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve())
        child.stderr.once('data', data => reject(new Error(String(data))))
        child.once('exit', code => reject(new Error(`The process ended with ${code}.`)))
      })
      expect(() => systemDisk.lock(path)).toThrow('two brokers')
    } finally {
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    }
    systemDisk.lock(path).release()
  })
})

describe('the disk in memory, when it is bad', () => {
  test('a power cut loses what was not synced, in files and directories', () => {
    const disk = new FakeDisk()
    disk.makeDirectory('/d')
    disk.syncDirectory('/')
    const file = disk.open('/d/a', 'create')
    file.writeSync(Buffer.from('safe'), 0, 4, 0)
    file.syncNow()
    disk.syncDirectory('/d')
    file.writeSync(Buffer.from('LOST'), 0, 4, 2)
    disk.open('/d/b', 'create')
    disk.rename('/d/a', '/d/c')
    disk.cutPower()
    expect(disk.paths()).toEqual(['/d/a'])
    expect(disk.peek('/d/a').toString()).toBe('safe')
    expect(() => file.size() && file.syncNow()).toThrow('dead')
  })

  test('a torn write keeps its beginning', () => {
    const disk = new FakeDisk()
    const file = disk.open('/a', 'create')
    file.writeSync(Buffer.from('one '), 0, 4, 0)
    file.writeSync(Buffer.from('two'), 0, 3, 4)
    disk.cutPower({ tear: 1 })
    expect(disk.peek('/a').toString()).toBe('one t')
  })

  test('a full disk takes what fits', () => {
    const disk = new FakeDisk()
    disk.capacityBytes = 6
    const file = disk.open('/a', 'create')
    file.writeSync(Buffer.from('abcd'), 0, 4, 0)
    expect(() => file.writeSync(Buffer.from('efgh'), 0, 4, 4)).toThrow(
      expect.objectContaining({ code: 'ENOSPC' }),
    )
    expect(disk.peek('/a').toString()).toBe('abcdef')
  })

  test('operations fail as ordered', () => {
    const disk = new FakeDisk()
    const file = disk.open('/a', 'create')
    const stop = disk.fail('write', { after: 1, times: 1 })
    const write = (): void => file.writeSync(Buffer.from('x'), 0, 1, 0)
    write()
    expect(write).toThrow('EIO')
    write()
    stop()
  })
})
