import { describe, expect, test } from 'vitest'
import { type Disk, DiskError } from '../../../broker/log/disk.ts'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import { OutcomeUnknown, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const directory = '/data/.metadata'

interface OpenOptions {
  readonly clock?: FakeClock
  readonly snapshotAfterBytes?: number
}

function open(
  disk: Disk,
  { clock = new FakeClock(), snapshotAfterBytes }: OpenOptions = {},
): Promise<EmbeddedStore> {
  const limit = snapshotAfterBytes === undefined ? {} : { snapshotAfterBytes }
  return EmbeddedStore.open({ directory, disk, clock, logger: silentLogger, ...limit })
}

async function contents(store: EmbeddedStore): Promise<string[]> {
  return (await store.read('')).entries.map(entry => `${entry.key}=${entry.value}@${entry.modRevision}`)
}

function newest(disk: FakeDisk, kind: 'wal' | 'snapshot'): string {
  return disk.paths().findLast(path => path.startsWith(`${directory}/${kind}-`)) ?? 'none'
}

describe('the embedded store on its disk', () => {
  test('what was committed is there after a crash, with its revisions', async () => {
    const disk = new FakeDisk()
    const first = await open(disk)
    await first.commit({ put: [{ key: 'a', value: '1' }] })
    await first.commit({ put: [{ key: 'a', value: 'ü' }] })
    await first.commit({ put: [{ key: 'b', value: '3' }] })
    await first.commit({ delete: ['b'] })

    disk.kill()
    const second = await open(disk)
    expect(await contents(second)).toEqual(['a=ü@2'])
    expect((await second.get('a')).entry?.createRevision).toBe(1)
    expect(await second.commit({ put: [{ key: 'c', value: '' }] })).toEqual({ ok: true, revision: 5 })
  })

  test('keys bound to leases of the process before are gone at once, the others stay', async () => {
    const disk = new FakeDisk()
    const first = await open(disk)
    const lease = await first.lease(3_600_000)
    await first.commit({
      put: [
        { key: 'controller', value: '', lease: lease.id },
        { key: 'a', value: '1' },
      ],
    })
    disk.kill()
    const second = await open(disk)
    expect(await contents(second)).toEqual(['a=1@1'])
    expect((await second.read('')).revision).toBe(2)
  })

  test('closing ends the leases, lets the files go and refuses what comes later', async () => {
    const disk = new FakeDisk()
    const first = await open(disk)
    const lease = await first.lease(10_000)
    await first.commit({ put: [{ key: 'controller', value: '', lease: lease.id }] })
    await first.close()
    await first.close()
    expect(disk.openFiles).toBe(0)
    await expect(first.commit({ put: [{ key: 'a', value: '' }] })).rejects.toThrow(StoreUnavailable)
    await expect(first.read('')).rejects.toThrow(StoreUnavailable)
    await expect(first.lease(1)).rejects.toThrow(StoreUnavailable)
    expect((await (await open(disk)).read('')).revision).toBe(2)
  })

  test('a directory serves one process at a time', async () => {
    const disk = new FakeDisk()
    const store = await open(disk)
    await expect(open(disk)).rejects.toMatchObject({ code: 'ELOCKED' })
    await store.close()
    await open(disk)
  })

  test('commits made together share one sync', async () => {
    const disk = new FakeDisk()
    const store = await open(disk)
    const before = disk.counts.get('sync') ?? 0
    await Promise.all(
      Array.from({ length: 500 }, (_, at) => store.commit({ put: [{ key: `k/${at}`, value: '' }] })),
    )
    expect(disk.counts.get('sync')).toBe(before + 1)
  })

  test('a commit is answered, and told to watchers, only when it is synced', async () => {
    const disk = new FakeDisk()
    const store = await open(disk)
    const told: number[] = []
    store.watch('', 1, { changed: revision => told.push(revision), ended: () => undefined })
    await store.read('')
    told.length = 0
    disk.holdSyncs = true
    let isAnswered = false
    const commit = store.commit({ put: [{ key: 'a', value: '' }] }).finally(() => {
      isAnswered = true
    })
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    expect([isAnswered, told]).toEqual([false, []])
    disk.holdSyncs = false
    disk.releaseSyncs()
    await commit
    expect(told).toEqual([1])
  })

  test('a snapshot takes the place of the log, and nothing is lost around it', async () => {
    const disk = new FakeDisk()
    const first = await open(disk, { snapshotAfterBytes: 20_000 })
    for (let at = 0; at < 3000; at++) {
      const put = [{ key: `k/${at % 100}`, value: `${at}` }]
      const commit = first.commit({ put, delete: at % 10 === 9 ? ['k/5'] : [] })
      if (at % 50 === 0) await commit
    }
    const expected = await contents(first)
    await first.close()
    expect(disk.paths().filter(path => path.includes('snapshot-'))).toHaveLength(1)
    expect(disk.peek(newest(disk, 'wal')).length).toBeLessThan(60_000)
    const second = await open(disk)
    expect(await contents(second)).toEqual(expected)
    expect((await second.read('')).revision).toBe(3000)
  })

  test.each(['kill', 'power cut', 'power cut with a torn write'] as const)(
    'a %s at any moment, also in the middle of a snapshot, loses nothing that was answered',
    async how => {
      for (let steps = 1; ; steps++) {
        const disk = new FakeDisk()
        let left = steps
        const mortal = asSeenByTheDying(disk, () => --left === 0)
        const answered = await commitUntilDeath(() => open(mortal, { snapshotAfterBytes: 200 }))
        if (how === 'kill') disk.kill()
        else disk.cutPower(how === 'power cut' ? {} : { tear: steps % 40 })
        const second = await open(disk)
        const keys = new Set((await second.read('')).entries.map(entry => entry.key))
        expect(answered.filter(key => !keys.has(key))).toEqual([])
        await second.commit({ put: [{ key: 'again', value: '' }] })
        disk.kill()
        expect((await (await open(disk)).get('again')).entry).toBeDefined()
        if (left > 0) break
      }
    },
  )

  test('a full disk refuses commits, changes nothing, and takes them again when there is room', async () => {
    const disk = new FakeDisk()
    const store = await open(disk)
    const { revision } = await store.commit({ put: [{ key: 'a', value: '1' }] })
    disk.capacityBytes = disk.usedBytes + 10
    const refused = await Promise.allSettled([
      store.commit({ put: [{ key: 'a', value: '2' }] }),
      store.commit({ put: [{ key: 'b', value: '2' }], delete: ['a'] }),
    ])
    for (const outcome of refused) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(StoreUnavailable)
    }
    expect(await contents(store)).toEqual(['a=1@1'])
    disk.capacityBytes = Number.POSITIVE_INFINITY
    expect(await store.commit({ put: [{ key: 'b', value: '3' }] })).toEqual({
      ok: true,
      revision: revision + 1,
    })
    disk.kill()
    expect(await contents(await open(disk))).toEqual(['a=1@1', 'b=3@2'])
  })

  test('after a failed sync the outcome is unknown, watches end, and the store takes no more', async () => {
    const disk = new FakeDisk()
    const store = await open(disk)
    const ended: string[] = []
    store.watch('', 1, { changed: () => undefined, ended: reason => ended.push(reason.message) })
    disk.fail('sync', { times: 1 })
    await expect(store.commit({ put: [{ key: 'a', value: '1' }] })).rejects.toThrow(OutcomeUnknown)
    await expect(store.commit({ put: [{ key: 'a', value: '1' }] })).rejects.toThrow(StoreUnavailable)
    expect(ended).toEqual(['The metadata store stopped after its disk failed.'])
    await store.close()
  })

  test('a snapshot that cannot be written does no harm', async () => {
    const disk = new FakeDisk()
    const store = await open(disk, { snapshotAfterBytes: 500 })
    const repair = disk.fail('open', { path: /snapshot/ })
    for (let at = 0; at < 100; at++) await store.commit({ put: [{ key: `k/${at}`, value: 'v' }] })
    expect(disk.paths().some(path => path.includes('snapshot-'))).toBe(false)
    repair()
    for (let at = 100; at < 200; at++) await store.commit({ put: [{ key: `k/${at}`, value: 'v' }] })
    await store.close()
    expect(disk.paths().some(path => path.includes('snapshot-'))).toBe(true)
    expect((await (await open(disk)).read('')).entries).toHaveLength(200)
  })
})

async function commitUntilDeath(openStore: () => Promise<EmbeddedStore>): Promise<string[]> {
  const answered: string[] = []
  try {
    const store = await openStore()
    for (let at = 0; at < 40; at++) {
      await store.commit({ put: [{ key: `k/${at}`, value: 'v' }] })
      answered.push(`k/${at}`)
    }
  } catch {
    // Its disk is gone: it was killed here.
  }
  return answered
}

/** The disk as one process sees it that dies at a certain operation, a write half done: it then changes nothing more. */
function asSeenByTheDying(disk: FakeDisk, isTheOne: () => boolean): Disk {
  let isDead = false
  const live = (path: string, half: () => void = () => undefined): void => {
    if (!isDead && isTheOne()) {
      half()
      isDead = true
    }
    if (isDead) throw new DiskError(`${path} is used by a dead process.`, path, 'EIO')
  }
  const changes: Partial<Disk> = {
    open: (path, mode) => {
      live(path)
      const file = disk.open(path, mode)
      return {
        ...file,
        writeSync: (source, start, length, position) => {
          live(path, () => file.writeSync(source, start, Math.floor(length / 2), position))
          file.writeSync(source, start, length, position)
        },
        sync: async () => {
          live(path)
          await file.sync()
        },
        truncate: size => {
          live(path)
          file.truncate(size)
        },
      }
    },
    rename: (from, to) => {
      live(from)
      disk.rename(from, to)
    },
    unlink: path => {
      live(path)
      disk.unlink(path)
    },
    directorySynced: async path => {
      live(path)
      await disk.directorySynced(path)
    },
  }
  return new Proxy<Disk>(disk, {
    get(target, name) {
      const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
