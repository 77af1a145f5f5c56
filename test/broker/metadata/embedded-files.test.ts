import { describe, expect, test } from 'vitest'
import type { Disk } from '../../../broker/log/disk.ts'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
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

describe('the files of an embedded store', () => {
  test('every cut at the end of the log is survived: whole commits stay, the cut one goes', async () => {
    const disk = new FakeDisk()
    const first = await open(disk)
    const path = newest(disk, 'wal')
    const ends: number[] = []
    for (let at = 1; at <= 3; at++) {
      await first.commit({ put: [{ key: `k/${at}`, value: 'v'.repeat(20) }] })
      ends.push(disk.peek(path).length)
    }
    const whole = disk.peek(path)
    for (let length = 0; length <= whole.length; length++) {
      disk.kill()
      disk.poke(path, whole.subarray(0, length))
      const store = await open(disk)
      expect((await store.read('')).entries).toHaveLength(ends.filter(end => end <= length).length)
      await store.commit({ put: [{ key: 'later', value: '' }] })
      disk.kill()
      expect((await (await open(disk)).get('later')).entry).toBeDefined()
    }
  })

  test('garbage behind the last commit is cut off', async () => {
    const disk = new FakeDisk()
    await (await open(disk)).commit({ put: [{ key: 'a', value: '1' }] })
    disk.kill()
    const path = newest(disk, 'wal')
    disk.poke(path, Buffer.concat([disk.peek(path), Buffer.alloc(100_000)]))
    expect(await contents(await open(disk))).toEqual(['a=1@1'])
  })

  test('a damaged commit with others behind it is refused with a sentence', async () => {
    const disk = new FakeDisk()
    const first = await open(disk)
    const path = newest(disk, 'wal')
    await first.commit({ put: [{ key: 'a', value: '1' }] })
    const before = disk.peek(path).length
    await first.commit({ put: [{ key: 'b', value: '2' }] })
    await first.commit({ put: [{ key: 'c', value: '3' }] })
    const whole = disk.peek(path)
    for (const at of [before, before + 5, before + 9, before + 20]) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0x10
      disk.kill()
      disk.poke(path, damaged)
      await expect(open(disk)).rejects.toThrow(
        /wal-0+ does not match its checksum at byte \d+, and changes follow/,
      )
    }
    disk.poke(path, whole.subarray(before))
    await expect(open(disk)).rejects.toThrow('has no valid header')
  })

  test('a damaged or incomplete snapshot is refused with a sentence', async () => {
    const disk = new FakeDisk()
    const first = await open(disk, { snapshotAfterBytes: 1000 })
    for (let at = 0; at < 100; at++) await first.commit({ put: [{ key: `k/${at}`, value: 'v'.repeat(50) }] })
    await first.close()
    const path = newest(disk, 'snapshot')
    const whole = disk.peek(path)
    for (const at of [3, 40, whole.length - 1]) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 0x01
      disk.poke(path, damaged)
      await expect(open(disk)).rejects.toThrow('is damaged')
    }
    disk.poke(path, whole.subarray(0, 28))
    await expect(open(disk)).rejects.toThrow('instead of')
    disk.poke(path, whole)
    disk.unlink(newest(disk, 'wal'))
    await expect(open(disk)).rejects.toThrow('is missing')
  })
})
