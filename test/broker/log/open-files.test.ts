import { expect, test } from 'vitest'
import { LazyFile, OpenFiles } from '../../../broker/log/open-files.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

test('no more files are open than allowed, and all can be used', () => {
  const disk = new FakeDisk()
  const files = new OpenFiles(disk, 5)
  const many = Array.from({ length: 20 }, (_, number) => new LazyFile(files, `/${number}`, true))
  for (let round = 0; round < 3; round++) {
    for (const [number, file] of many.entries()) file.writeSync(Buffer.from([number]), 0, 1, round)
    expect(disk.openFiles).toBeLessThanOrEqual(5)
  }
  for (const [number] of many.entries())
    expect(disk.peek(`/${number}`)).toEqual(Buffer.from([number, number, number]))
})

test('the one not used for longest is closed first', () => {
  const disk = new FakeDisk()
  const files = new OpenFiles(disk, 2)
  const [a, b, c] = ['/a', '/b', '/c'].map(path => new LazyFile(files, path, true)) as [
    LazyFile,
    LazyFile,
    LazyFile,
  ]
  a.size()
  b.size()
  a.size()
  c.size()
  const opened = disk.counts.get('open')
  a.size()
  expect(disk.counts.get('open')).toBe(opened)
  b.size()
  expect(disk.counts.get('open')).toBe(opened! + 1)
})

test('a file in use off the loop stays open until that is over', async () => {
  const disk = new FakeDisk()
  disk.holdSyncs = true
  const files = new OpenFiles(disk, 1)
  const busy = new LazyFile(files, '/busy', true)
  const sync = busy.sync()
  new LazyFile(files, '/other', true).size()
  busy.close()
  expect(disk.openFiles).toBe(2)
  disk.releaseSyncs()
  await sync
  expect(disk.openFiles).toBe(1)
})

test('when the system has no descriptors left, some are given back', () => {
  const disk = new FakeDisk()
  const files = new OpenFiles(disk, 100)
  const first = Array.from({ length: 10 }, (_, number) => new LazyFile(files, `/${number}`, true))
  for (const file of first) file.size()
  disk.fail('open', { code: 'EMFILE', times: 1 })
  new LazyFile(files, '/one-more', true).size()
  expect(files.openCount).toBe(5 + 1)
})

test('a file that was there and is gone is an error, not a new file', () => {
  const disk = new FakeDisk()
  const files = new OpenFiles(disk)
  const file = new LazyFile(files, '/file', true)
  file.size()
  file.close()
  disk.unlink('/file')
  expect(() => file.size()).toThrow('none')
})

test('a renamed file is found under its new name', () => {
  const disk = new FakeDisk()
  const file = new LazyFile(new OpenFiles(disk), '/old', true)
  file.writeSync(Buffer.from('x'), 0, 1, 0)
  disk.rename('/old', '/new')
  file.renamed('/new')
  file.close()
  file.writeSync(Buffer.from('y'), 0, 1, 1)
  expect(disk.peek('/new').toString()).toBe('xy')
})
