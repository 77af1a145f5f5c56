import { expect, test } from 'vitest'
import {
  formatPartitionMetadata,
  parsePartitionMetadata,
  readPartitionMetadata,
} from '../../../broker/log/partition-metadata.ts'
import { FakeDisk } from '../../support/fake-disk.ts'

const topicId = 'uVZvHJnXQwWWXGTDq8ZGVw'

test('the file is as Kafka writes it', () => {
  expect(formatPartitionMetadata(topicId)).toBe(`version: 0\ntopic_id: ${topicId}\n`)
  expect(parsePartitionMetadata(`version: 0\ntopic_id: ${topicId}`)).toBe(topicId)
})

test.each([
  '',
  'version: 0\n',
  `version: 1\ntopic_id: ${topicId}\n`,
  'version: 0\ntopic_id: x\n',
  'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA\n',
])('%j says nothing', text => {
  expect(parsePartitionMetadata(text)).toBeUndefined()
})

test('missing and damaged are told apart', () => {
  const disk = new FakeDisk()
  disk.makeDirectory('/t-0')
  expect(readPartitionMetadata(disk, '/t-0')).toEqual({ kind: 'missing' })
  disk.poke('/t-0/partition.metadata', Buffer.alloc(3))
  expect(readPartitionMetadata(disk, '/t-0')).toEqual({ kind: 'damaged' })
  disk.poke('/t-0/partition.metadata', Buffer.from(formatPartitionMetadata(topicId)))
  expect(readPartitionMetadata(disk, '/t-0')).toEqual({ kind: 'found', topicId })
})
