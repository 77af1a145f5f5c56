import { describe, expect, test } from 'vitest'
import { keyOf, type MetadataChange, type PartitionState } from '../../../broker/metadata/keys.ts'
import { MalformedEntry } from '../../../broker/metadata/entry-reader.ts'
import { decodeEntry, encodeValue } from '../../../broker/metadata/values.ts'

const id = 'xtzWWN4bTjitpL3kfd9s5g'

const partition: PartitionState = {
  leader: 2,
  leaderEpoch: 7,
  isr: [2, 3],
  replicas: [2, 3, 4],
  adding: [4],
  removing: [3],
  elr: [5],
  lastKnownLeader: -1,
  directories: [id, id, id],
  recovering: true,
  partitionEpoch: 12,
}

const changes: MetadataChange[] = [
  { kind: 'version', layout: 1 },
  { kind: 'cluster', clusterId: id },
  { kind: 'features', finalized: new Map([['metadata.version', 30]]) },
  { kind: 'controller', brokerId: 1 },
  {
    kind: 'broker',
    id: 4,
    registration: {
      incarnationId: id,
      listeners: [{ name: 'OUTSIDE', host: 'kafka.example', port: 9094, securityProtocol: 'SASL_SSL' }],
      control: { host: 'broker-1.kafka.example', port: 9090, tls: true },
      rack: 'a',
      logDirectories: [id],
      cordoned: true,
      previousEpoch: 99,
      features: [],
      minInsyncReplicas: 1,
    },
  },
  {
    kind: 'brokerState',
    id: 4,
    state: {
      admittedEpoch: 5,
      cleanStopEpoch: -1,
      incarnationId: null,
      stoppingEpoch: -1,
      listeners: [],
      rack: null,
      cordoned: false,
    },
  },
  {
    kind: 'restartGrant',
    grant: {
      id,
      brokerId: 2,
      incarnationId: id,
      durationMs: 900_000,
      holder: 'operator',
      reason: 'a new image',
      grantedAtMs: 1_700_000_000_000,
    },
  },
  { kind: 'topicName', name: 'constructor', topicId: id },
  { kind: 'topic', topicId: id, topic: { name: '__proto__', partitions: 10_000 } },
  { kind: 'partition', topicId: id, index: 9999, partition },
  {
    kind: 'partition',
    topicId: id,
    index: 0,
    partition: {
      ...partition,
      isr: [2, 3, 4],
      adding: [],
      removing: [],
      elr: [],
      lastKnownLeader: -1,
      directories: [],
      recovering: false,
    },
  },
  {
    kind: 'config',
    type: 'topic',
    name: '__proto__',
    overrides: new Map([
      ['__proto__', 'x'],
      ['constructor', ''],
      ['retention.ms', '-1'],
    ]),
  },
  { kind: 'config', type: 'group', name: 'a/b/../é %', overrides: new Map([['k', 'v']]) },
  { kind: 'config', type: 'broker', name: '', overrides: new Map([['k', 'v']]) },
  { kind: 'config', type: 'client-metrics', name: 'm', overrides: new Map([['k', 'v']]) },
  { kind: 'producerIds', next: 2 ** 50 },
  {
    kind: 'operation',
    id,
    operation: { kind: 'detachedPartitions', topicId: id, from: 0, to: 5, reason: 'createTopics' },
  },
]

describe('keys and values', () => {
  test.each(changes)('what is written is read back: $kind', change => {
    expect(decodeEntry(keyOf(change), encodeValue(change))).toEqual(change)
  })

  test('every key is one of its own', () => {
    expect(new Set(changes.map(keyOf)).size).toBe(changes.length)
  })

  test('a deletion is read back', () => {
    const deletions: MetadataChange[] = [
      { kind: 'controller', brokerId: null },
      { kind: 'broker', id: 1, registration: null },
      { kind: 'brokerState', id: 1, state: null },
      { kind: 'topicName', name: 't', topicId: null },
      { kind: 'topic', topicId: id, topic: null },
      { kind: 'partition', topicId: id, index: 3, partition: null },
      { kind: 'config', type: 'group', name: 'a/b', overrides: null },
      { kind: 'restartGrant', grant: null },
      { kind: 'operation', id, operation: null },
    ]
    for (const deletion of deletions) {
      expect(encodeValue(deletion)).toBeNull()
      expect(decodeEntry(keyOf(deletion), null)).toEqual(deletion)
    }
  })

  test('the state of a quiet partition is short', () => {
    const quiet = { ...partition, adding: [], removing: [], elr: [], directories: [], recovering: false }
    expect(encodeValue({ kind: 'partition', topicId: id, index: 0, partition: quiet })).toBe(
      '{"leader":2,"leaderEpoch":7,"isr":[2,3],"replicas":[2,3,4],"partitionEpoch":12}',
    )
  })

  test('keys of later releases are passed over', () => {
    expect(decodeEntry('acls/topic/1', 'whatever')).toBeUndefined()
    expect(decodeEntry('configs/galaxy/x', '{}')).toBeUndefined()
    expect(decodeEntry('', '')).toBeUndefined()
    expect(decodeEntry('__proto__/x', '{}')).toBeUndefined()
  })

  test.each([
    ['topics/x', ''],
    ['topics/x', 'null'],
    ['topics/x', '[]'],
    ['topics/x', '{"name":"t"}'],
    ['topics/x', '{"name":1,"partitions":1}'],
    ['partitions/x/one', '{}'],
    ['partitions/x/-1', '{}'],
    ['partitions/x/0', '{"leader":1.5,"leaderEpoch":0,"partitionEpoch":0,"isr":[],"replicas":[]}'],
    ['partitions/x/0', '{"leader":1,"leaderEpoch":0,"partitionEpoch":0,"isr":["1"],"replicas":[]}'],
    ['brokers/1', '{"incarnationId":"x","listeners":[{"name":"P"}]}'],
    ['configs/topic/t', '{"k":1}'],
    ['configs/topic/%', '{"k":"1"}'],
    ['operations/x', '{"kind":"later"}'],
    ['restart-grant', '{"id":"x","brokerId":1}'],
    ['brokers/1', '{"incarnationId":"x","listeners":[],"logDirectories":[],"control":"tcp://x:1"}'],
  ])('a value that makes no sense is refused with its key: %s = %s', (key, value) => {
    expect(() => decodeEntry(key, value)).toThrow(MalformedEntry)
    expect(() => decodeEntry(key, value)).toThrow(key)
  })
})
