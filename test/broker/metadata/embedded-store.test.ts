import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { DiskError, systemDisk, type Disk } from '../../../broker/log/disk.ts'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { OutcomeUnknown, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { testStoreContract } from './store-contract.ts'

const directories: string[] = []

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-store-'))
  directories.push(directory)
  return directory
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

interface OpenOptions {
  readonly disk?: Disk
  readonly clock?: FakeClock
  readonly snapshotAfterBytes?: number
}

function open(directory: string, options: OpenOptions = {}): Promise<EmbeddedStore> {
  const { disk = systemDisk, clock = new FakeClock(), snapshotAfterBytes } = options
  return EmbeddedStore.open({
    directory,
    disk: withoutLock(disk),
    clock,
    logger: silentLogger,
    ...(snapshotAfterBytes === undefined ? {} : { snapshotAfterBytes }),
  })
}

/** A process that dies lets go of its lock; here the test's own process goes on. */
function withoutLock(disk: Disk): Disk {
  return { ...disk, lock: () => ({ release: () => undefined }) }
}

testStoreContract('the embedded store as a metadata store', async () => {
  const clock = new FakeClock()
  const store = await open(newDirectory(), { clock })
  return {
    store,
    letTimePass: async ms => {
      clock.advance(ms)
      await store.read('')
    },
    dispose: () => store.close(),
  }
})

async function contents(store: EmbeddedStore): Promise<string[]> {
  return (await store.read('')).entries.map(entry => `${entry.key}=${entry.value}@${entry.modRevision}`)
}

function fileNamed(directory: string, prefix: string): string {
  const name = readdirSync(directory)
    .toSorted()
    .findLast(found => found.startsWith(prefix))
  return join(directory, name ?? 'none')
}

describe('the embedded store on its disk', () => {
  test('what was committed is there after a crash, with its revisions', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    await first.commit({ put: [{ key: 'a', value: '1' }] })
    await first.commit({ put: [{ key: 'a', value: 'ü' }] })
    await first.commit({ put: [{ key: 'b', value: '3' }] })
    await first.commit({ delete: ['b'] })

    const second = await open(directory)
    expect(await contents(second)).toEqual(['a=ü@2'])
    expect((await second.get('a')).entry?.createRevision).toBe(1)
    expect(await second.commit({ put: [{ key: 'c', value: '' }] })).toEqual({ ok: true, revision: 5 })
    await second.close()
  })

  test('keys bound to leases of the process before are gone at once, the others stay', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    const lease = await first.lease(3_600_000)
    await first.commit({
      put: [
        { key: 'controller', value: '', lease: lease.id },
        { key: 'a', value: '1' },
      ],
    })
    const second = await open(directory)
    expect(await contents(second)).toEqual(['a=1@1'])
    expect((await second.read('')).revision).toBe(2)
  })

  test('closing ends the leases and refuses what comes later', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    const lease = await first.lease(10_000)
    await first.commit({ put: [{ key: 'controller', value: '', lease: lease.id }] })
    await first.close()
    await expect(first.commit({ put: [{ key: 'a', value: '' }] })).rejects.toThrow(StoreUnavailable)
    await expect(first.read('')).rejects.toThrow(StoreUnavailable)
    const second = await open(directory)
    expect((await second.read('')).revision).toBe(2)
  })

  test('commits made together share one sync', async () => {
    let syncs = 0
    const store = await open(newDirectory(), { disk: countingSyncs(() => syncs++) })
    syncs = 0
    await Promise.all(
      Array.from({ length: 500 }, (_, at) => store.commit({ put: [{ key: `k/${at}`, value: '' }] })),
    )
    expect(syncs).toBe(1)
  })

  test('every cut at the end of the log is survived: whole commits stay, the cut one goes', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    const ends: number[] = []
    const path = fileNamed(directory, 'wal-')
    for (let at = 1; at <= 3; at++) {
      await first.commit({ put: [{ key: `k/${at}`, value: 'v'.repeat(20) }] })
      ends.push(readFileSync(path).length)
    }
    const whole = readFileSync(path)
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      const store = await open(directory)
      expect((await store.read('')).entries).toHaveLength(ends.filter(end => end <= length).length)
      await store.commit({ put: [{ key: 'later', value: '' }] })
      const again = await open(directory)
      expect((await again.get('later')).entry).toBeDefined()
    }
  })

  test('garbage behind the last commit is cut off', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    await first.commit({ put: [{ key: 'a', value: '1' }] })
    appendFileSync(fileNamed(directory, 'wal-'), Buffer.alloc(100_000))
    const second = await open(directory)
    expect(await contents(second)).toEqual(['a=1@1'])
  })

  test('a damaged commit with others behind it is refused with a sentence', async () => {
    const directory = newDirectory()
    const first = await open(directory)
    const path = fileNamed(directory, 'wal-')
    await first.commit({ put: [{ key: 'a', value: '1' }] })
    const before = readFileSync(path).length
    await first.commit({ put: [{ key: 'b', value: '2' }] })
    await first.commit({ put: [{ key: 'c', value: '3' }] })
    const whole = readFileSync(path)
    for (const at of [before, before + 5, before + 9, before + 20]) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0x10
      writeFileSync(path, damaged)
      await expect(open(directory)).rejects.toThrow(
        /wal-0+ does not match its checksum at byte \d+, and changes follow/,
      )
    }
  })

  test('a snapshot takes the place of the log, and nothing is lost around it', async () => {
    const directory = newDirectory()
    const first = await open(directory, { snapshotAfterBytes: 20_000 })
    for (let at = 0; at < 3000; at++) {
      const commit = first.commit({
        put: [{ key: `k/${at % 100}`, value: `${at}` }],
        delete: at % 10 === 9 ? ['k/5'] : [],
      })
      if (at % 50 === 0) await commit
    }
    const expected = await contents(first)
    await first.close()

    const names = readdirSync(directory)
    expect(names.some(name => name.startsWith('snapshot-'))).toBe(true)
    expect(readFileSync(fileNamed(directory, 'wal-')).length).toBeLessThan(60_000)
    const second = await open(directory)
    expect(await contents(second)).toEqual(expected)
    expect((await second.read('')).revision).toBe(3000)
  })

  test('a crash at any step of a snapshot loses nothing', async () => {
    let failAt = 0
    for (let steps = 1; ; steps++) {
      const directory = newDirectory()
      failAt = steps
      const disk = dyingAt(() => failAt-- === 1)
      const acknowledged = await commitUntilDeath(() => open(directory, { disk, snapshotAfterBytes: 200 }))
      const hasDied = failAt <= 0
      const second = await open(directory)
      const keys = new Set((await second.read('')).entries.map(entry => entry.key))
      expect(acknowledged.filter(key => !keys.has(key))).toEqual([])
      if (!hasDied) break
    }
  })

  test('a damaged snapshot is refused with a sentence', async () => {
    const directory = newDirectory()
    const first = await open(directory, { snapshotAfterBytes: 1000 })
    for (let at = 0; at < 100; at++) await first.commit({ put: [{ key: `k/${at}`, value: 'v'.repeat(50) }] })
    await first.close()
    const path = fileNamed(directory, 'snapshot-')
    const whole = readFileSync(path)
    for (const at of [3, 40, whole.length - 1]) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0x01
      writeFileSync(path, damaged)
      await expect(open(directory)).rejects.toThrow('is damaged')
    }
    writeFileSync(path, whole.subarray(0, 28))
    await expect(open(directory)).rejects.toThrow('instead of')
  })

  test('a full disk refuses commits, changes nothing, and takes them again when there is room', async () => {
    let isFull = false
    const directory = newDirectory()
    const store = await open(directory, { disk: failingWrites(() => isFull) })
    const { revision } = await store.commit({ put: [{ key: 'a', value: '1' }] })
    isFull = true
    const refused = await Promise.allSettled([
      store.commit({ put: [{ key: 'a', value: '2' }] }),
      store.commit({ put: [{ key: 'b', value: '2' }], delete: ['a'] }),
    ])
    for (const outcome of refused) {
      expect(outcome.status).toBe('rejected')
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StoreUnavailable)
    }
    expect(await contents(store)).toEqual(['a=1@1'])
    isFull = false
    expect(await store.commit({ put: [{ key: 'b', value: '3' }] })).toEqual({
      ok: true,
      revision: revision + 1,
    })
    expect(await contents(await open(directory))).toEqual(['a=1@1', 'b=3@2'])
  })

  test('after a failed sync the outcome is unknown and the store takes no more', async () => {
    let isBroken = false
    const store = await open(newDirectory(), { disk: failingSyncs(() => isBroken) })
    isBroken = true
    await expect(store.commit({ put: [{ key: 'a', value: '1' }] })).rejects.toThrow(OutcomeUnknown)
    isBroken = false
    await expect(store.commit({ put: [{ key: 'a', value: '1' }] })).rejects.toThrow(StoreUnavailable)
  })

  test('a directory serves one process at a time', async () => {
    const directory = newDirectory()
    const options = { directory, disk: systemDisk, clock: new FakeClock(), logger: silentLogger }
    const store = await EmbeddedStore.open(options)
    await expect(EmbeddedStore.open(options)).rejects.toThrow('held by process')
    await store.close()
    await (await EmbeddedStore.open(options)).close()
  })
})

async function commitUntilDeath(openStore: () => Promise<EmbeddedStore>): Promise<string[]> {
  const acknowledged: string[] = []
  try {
    const store = await openStore()
    for (let at = 0; at < 40; at++) {
      await store.commit({ put: [{ key: `k/${at}`, value: 'v' }] })
      acknowledged.push(`k/${at}`)
    }
  } catch {
    // Its disk is gone: it was killed here.
  }
  return acknowledged
}

/** The system's disk with something done before each write, sync, rename and removal. */
function interfering(before: (operation: string, path: string) => void): Disk {
  return {
    ...systemDisk,
    open: (path, mode) => {
      const file = systemDisk.open(path, mode)
      return {
        path,
        readSync: (...args) => file.readSync(...args),
        read: (...args) => file.read(...args),
        writeSync: (source, start, length, position) => {
          try {
            before('write', path)
          } catch (error) {
            file.writeSync(source, start, Math.floor(length / 2), position)
            throw error
          }
          file.writeSync(source, start, length, position)
        },
        sync: async () => {
          before('sync', path)
          await file.sync()
        },
        syncNow: () => file.syncNow(),
        truncate: size => {
          before('truncate', path)
          file.truncate(size)
        },
        size: () => file.size(),
        close: () => file.close(),
      }
    },
    rename: (from, to) => {
      before('rename', from)
      systemDisk.rename(from, to)
    },
    unlink: path => {
      before('unlink', path)
      systemDisk.unlink(path)
    },
  }
}

function failing(path: string, code: string): DiskError {
  return new DiskError(`${path} fails for this test.`, path, code)
}

function countingSyncs(count: () => void): Disk {
  return interfering(operation => {
    if (operation === 'sync') count()
  })
}

function failingWrites(isFull: () => boolean): Disk {
  return interfering((operation, path) => {
    if (operation === 'write' && isFull()) throw failing(path, 'ENOSPC')
  })
}

function failingSyncs(isBroken: () => boolean): Disk {
  return interfering((operation, path) => {
    if (operation === 'sync' && isBroken()) throw failing(path, 'EIO')
  })
}

/** From a certain operation on nothing reaches the disk: as if the process were dead. */
function dyingAt(isTheOne: () => boolean): Disk {
  let isDead = false
  return interfering((_, path) => {
    isDead ||= isTheOne()
    if (isDead) throw failing(path, 'EIO')
  })
}
