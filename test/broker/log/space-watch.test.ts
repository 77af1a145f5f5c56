import { expect, test } from 'vitest'
import { SpaceWatch } from '../../../broker/log/space-watch.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

const mebibyte = 2 ** 20

test('a disk that fills up is noticed soon, told once, and trusted again when there is room', () => {
  const clock = new FakeClock()
  const disk = new FakeDisk()
  const { logger, lines } = recordingLogger()
  disk.capacityBytes = 2 ** 31
  const watch = new SpaceWatch('/data', {
    disk,
    clock,
    logger,
    reservedBytes: () => 128 * mebibyte,
    attempt: job => job(),
  })
  expect(watch.isFull).toBe(false)
  expect(watch.totalBytes).toBe(2 ** 31)
  disk.makeDirectory('/data')
  disk.poke('/data/big', Buffer.alloc(1000))
  disk.capacityBytes = 100 * mebibyte
  disk.space = () => ({ totalBytes: 2 ** 31, usableBytes: 100 * mebibyte })
  clock.advance(100)
  expect(watch.isFull).toBe(true)
  expect(watch.message).toMatch(/100 MiB left; no new records are taken until 160 MiB are free/)
  clock.advance(1000)
  disk.space = () => ({ totalBytes: 2 ** 31, usableBytes: 159 * mebibyte })
  clock.advance(1000)
  expect(watch.isFull).toBe(true)
  disk.space = () => ({ totalBytes: 2 ** 31, usableBytes: 160 * mebibyte })
  clock.advance(1000)
  expect(watch.isFull).toBe(false)
  expect(lines.map(({ level }) => level)).toEqual(['error', 'info'])
  watch.stop()
  expect(clock.pendingTimers).toBe(0)
})
