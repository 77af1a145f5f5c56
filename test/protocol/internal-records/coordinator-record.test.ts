import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  decodeCoordinatorRecord,
  type DecodedCoordinatorRecord,
  encodeRecordKey,
  encodeRecordValue,
  groupCoordinatorRecords,
  offsetCommitRecord,
  ProtocolError,
  shareCoordinatorRecords,
  transactionCoordinatorRecords,
  transactionLogRecord,
} from '../../../protocol/index.ts'

const key = encodeRecordKey(offsetCommitRecord, { group: 'g', topic: 't', partition: 3 })

describe('a record', () => {
  test('has its type in front of the key and its version in front of the value', () => {
    expect(key.toString('hex')).toBe('0001' + '000167' + '000174' + '00000003')
    const value = encodeRecordValue(offsetCommitRecord, 3, {
      offset: 9,
      leaderEpoch: 2,
      metadata: '',
      commitTimestamp: 7,
    })
    expect(value.toString('hex')).toBe('0003' + '0000000000000009' + '00000002' + '0000' + '0000000000000007')
  })

  test('comes back with its kind, by which its key and value have types', () => {
    const value = encodeRecordValue(offsetCommitRecord, 3, { offset: 9, metadata: 'm', commitTimestamp: 7 })
    const record = decodeCoordinatorRecord(groupCoordinatorRecords, key, value)
    expect(record).toMatchObject({
      kind: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 3 },
      value: { offset: 9, leaderEpoch: -1, metadata: 'm', commitTimestamp: 7 },
    })
    type OffsetCommit = Extract<
      DecodedCoordinatorRecord<(typeof groupCoordinatorRecords)[number]>,
      { kind: 'OffsetCommit' }
    >
    expectTypeOf<OffsetCommit['key']['partition']>().toEqualTypeOf<number>()
    expectTypeOf<NonNullable<OffsetCommit['value']>['topicId']>().toEqualTypeOf<string>()
  })

  test('without a value is a tombstone', () => {
    expect(decodeCoordinatorRecord(groupCoordinatorRecords, key, null)).toMatchObject({
      kind: 'OffsetCommit',
      value: null,
    })
  })

  test('of a type from the future is unknown, not an error', () => {
    expect(decodeCoordinatorRecord(groupCoordinatorRecords, Buffer.from('006300', 'hex'), null)).toEqual({
      kind: 'unknown',
      type: 99,
    })
  })

  test('with a value of a version from the future cannot be read', () => {
    expect(() => decodeCoordinatorRecord(groupCoordinatorRecords, key, Buffer.from('0063', 'hex'))).toThrow(
      'OffsetCommitValue v99 is not among the versions 0-4.',
    )
  })

  test('without a key that tells its type cannot be read', () => {
    expect(() => decodeCoordinatorRecord(groupCoordinatorRecords, null, null)).toThrow(ProtocolError)
    expect(() => decodeCoordinatorRecord(groupCoordinatorRecords, Buffer.alloc(1), null)).toThrow(
      ProtocolError,
    )
    expect(() => decodeCoordinatorRecord(groupCoordinatorRecords, key, Buffer.alloc(1))).toThrow(
      ProtocolError,
    )
  })
})

test('no two records of a topic have the same type', () => {
  for (const table of [groupCoordinatorRecords, transactionCoordinatorRecords, shareCoordinatorRecords]) {
    expect(new Set(table.map(record => record.type)).size).toBe(table.length)
  }
})

test('a field that a version lacks and must not lose is refused', () => {
  const transaction = {
    producerId: 1,
    producerEpoch: 0,
    transactionTimeoutMs: 1000,
    transactionStatus: 0,
    transactionPartitions: null,
    transactionLastUpdateTimestampMs: 5,
    transactionStartTimestampMs: -1,
  }
  expect(encodeRecordValue(transactionLogRecord, 0, transaction).length).toBe(37)
  expect(() =>
    encodeRecordValue(transactionLogRecord, 0, { ...transaction, clientTransactionVersion: 2 }),
  ).toThrow('The field clientTransactionVersion has a value')
})
