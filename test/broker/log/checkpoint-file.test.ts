import { expect, test } from 'vitest'
import { CheckpointFile } from '../../../broker/log/checkpoint-file.ts'
import { DiskError } from '../../../broker/log/disk.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const path = '/data/checkpoint'

function aFile() {
  const disk = new FakeDisk()
  disk.makeDirectory('/data')
  return { disk, file: new CheckpointFile(disk, path) }
}

test('content is written once', async () => {
  const { disk, file } = aFile()
  await file.write(() => 'one')
  const writes = disk.counts.get('write')
  await file.write(() => 'one')
  expect(disk.counts.get('write')).toBe(writes)
  expect(disk.peek(path).toString()).toBe('one')
})

test('the file has its old or its new content after a power cut, never a part', async () => {
  const { disk, file } = aFile()
  file.writeNow('old')
  disk.syncDirectory('/')
  disk.holdSyncs = true
  const writing = file.write(() => 'new').catch(() => 'lost')
  disk.cutPower()
  disk.releaseSyncs()
  expect(disk.peek(path).toString()).toBe('old')
  void writing
})

test('writes wait for each other, and content is asked for at the last moment', async () => {
  const { disk, file } = aFile()
  let value = 'first'
  disk.holdSyncs = true
  const first = file.write(() => value)
  await Promise.resolve()
  await Promise.resolve()
  expect(disk.heldSyncs).toBe(1)
  const second = file.write(() => value)
  value = 'second'
  disk.holdSyncs = false
  disk.releaseSyncs()
  await Promise.all([first, second])
  expect(disk.peek(path).toString()).toBe('second')
})

test('what is written at once is not overwritten by a write that began before', async () => {
  const { disk, file } = aFile()
  disk.holdSyncs = true
  const slow = file.write(() => 'outdated')
  await Promise.resolve()
  await Promise.resolve()
  expect(disk.heldSyncs).toBe(1)
  disk.holdSyncs = false
  file.writeNow('lowered')
  disk.releaseSyncs()
  await slow
  expect(disk.peek(path).toString()).toBe('lowered')
})

test('after a failed write the next one is tried', async () => {
  const { disk, file } = aFile()
  const mend = disk.fail('write')
  await expect(file.write(() => 'one')).rejects.toThrow(DiskError)
  mend()
  await file.write(() => 'one')
  expect(disk.peek(path).toString()).toBe('one')
})
