import { expect, test } from 'vitest'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  ProtocolError,
} from '../../../protocol/index.ts'

test('a subscription begins with its version', () => {
  const bytes = encodeVersioned(consumerProtocolSubscription, 1, { topics: ['t'], ownedPartitions: [] })
  expect(bytes.toString('hex')).toBe('0001' + '00000001000174' + 'ffffffff' + '00000000')
  expect(decodeVersioned(consumerProtocolSubscription, bytes)).toEqual({
    topics: ['t'],
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
})

test('an assignment of a later version is read as the newest that is known, if the reader says so', () => {
  const bytes = encodeVersioned(consumerProtocolAssignment, 3, {
    assignedPartitions: [{ topic: 't', partitions: [0, 2] }],
    userData: Buffer.from('ab', 'hex'),
  })
  const later = Buffer.concat([Buffer.from([0, 9]), bytes.subarray(2), Buffer.from('appended')])
  expect(decodeVersioned(consumerProtocolAssignment, later, { newerAsNewest: true })).toEqual({
    assignedPartitions: [{ topic: 't', partitions: [0, 2] }],
    userData: Buffer.from('ab', 'hex'),
  })
  expect(() => decodeVersioned(consumerProtocolAssignment, later)).toThrow('v9 is not among the versions 0-3')
})

test('bytes without room for a version are refused', () => {
  expect(() => decodeVersioned(consumerProtocolAssignment, Buffer.alloc(1))).toThrow(ProtocolError)
  expect(() =>
    decodeVersioned(consumerProtocolAssignment, Buffer.from('ffff', 'hex'), { newerAsNewest: true }),
  ).toThrow(ProtocolError)
})
