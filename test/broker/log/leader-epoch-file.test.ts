import { describe, expect, test } from 'vitest'
import {
  formatLeaderEpochs,
  parseLeaderEpochs,
  readLeaderEpochs,
  saveLeaderEpochs,
} from '../../../broker/log/leader-epoch-file.ts'
import { LeaderEpochs } from '../../../broker/log/leader-epochs.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

test('the file is as Kafka writes it', () => {
  expect(formatLeaderEpochs([{ epoch: 3, startOffset: 17 }])).toBe('0\n1\n3 17\n')
  expect(parseLeaderEpochs('0\n2\n3 17\n5 20\n')).toEqual([
    { epoch: 3, startOffset: 17 },
    { epoch: 5, startOffset: 20 },
  ])
})

describe('a damaged file', () => {
  test.each([
    '',
    '1\n0\n',
    '0\n',
    '0\n2\n3 17\n',
    '0\n1\n3 17\n5 20\n',
    '0\n1\nx 17\n',
    '0\n1\n3 -1\n',
    '\0\0\0\0',
  ])('%j is not believed', text => {
    expect(parseLeaderEpochs(text)).toBeUndefined()
  })
})

test('what was saved is read after a power cut, and saved once', () => {
  const disk = new FakeDisk()
  disk.makeDirectory('/log')
  disk.syncDirectory('/')
  const epochs = new LeaderEpochs()
  epochs.assign(4, 0)
  saveLeaderEpochs(disk, '/log', epochs)
  expect(epochs.isDirty).toBe(false)
  const writes = disk.counts.get('write')
  saveLeaderEpochs(disk, '/log', epochs)
  expect(disk.counts.get('write')).toBe(writes)
  disk.cutPower()
  expect(readLeaderEpochs(disk, '/log')?.entries).toEqual([{ epoch: 4, startOffset: 0 }])
})

test('a log without the file has no epochs; one whose file is damaged says so', () => {
  const disk = new FakeDisk()
  disk.makeDirectory('/log')
  expect(readLeaderEpochs(disk, '/log')?.entries).toEqual([])
  disk.poke('/log/leader-epoch-checkpoint', Buffer.from('nonsense'))
  expect(readLeaderEpochs(disk, '/log')).toBeUndefined()
})
