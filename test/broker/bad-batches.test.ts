import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildEndTransactionMarker, compress, type CompressionType, crc32c } from '../../protocol/index.ts'
import type { BrokerConnection } from '../support/broker-connection.ts'
import { batchOf, fetchFrom, produceTo, readAll, topicOf } from '../support/requests.ts'
import { RunningBroker } from '../support/running-broker.ts'

// Whatever a client sends as records, it gets a typed error or loses its connection; another client is served, the log stays readable, memory
// stays flat, and nothing is logged as a failure of the broker itself.

let broker: RunningBroker
let client: BrokerConnection
let bystander: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'auto.create.topics.enable': 'false' } })
  bystander = await broker.connect()
  await topicOf(bystander, 'bystander')
  await topicOf(bystander, 'target', { partitions: 2 })
  await topicOf(bystander, 'compacted', { configs: { 'cleanup.policy': 'compact' } })
  await topicOf(bystander, 'repacked', { configs: { 'compression.type': 'gzip' } })
})

beforeEach(async () => {
  client = await broker.connect()
})

afterEach(async () => {
  await client.close()
  expect((await produceTo(bystander, 'bystander', batchOf(['fine']))).error).toBe('NONE')
  for (const topic of ['target', 'compacted', 'repacked']) await readAll(bystander, topic)
  expect(broker.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  expect(broker.fatal).toEqual([])
})

afterAll(() => broker.remove())

const good = (): Buffer =>
  batchOf([
    { key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: Buffer.from('x') }] },
  ])

/** Places in a batch. */
const at = {
  batchLength: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  producerId: 43,
  sequence: 53,
  count: 57,
  records: 61,
}

/** A good batch, changed, with a checksum that fits. */
function changed(change: (batch: Buffer) => void, from = good()): Buffer {
  change(from)
  return withCrc(from)
}

function withCrc(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, at.attributes, batch.length), at.crc)
  return batch
}

/** A batch of `count` records whose records are these bytes, packed or not. */
function holding(bytes: Buffer, options: { readonly codec?: number; readonly count?: number } = {}): Buffer {
  const { codec = 0, count = 1 } = options
  const batch = Buffer.concat([good().subarray(0, at.records), bytes])
  batch.writeInt32BE(batch.length - 12, at.batchLength)
  batch.writeInt16BE(codec, at.attributes)
  batch.writeInt32BE(count - 1, at.lastOffsetDelta)
  batch.writeInt32BE(count, at.count)
  return withCrc(batch)
}

/** A record of an old format, 0 or 1. */
function oldMessage(magic: number): Buffer {
  const message = Buffer.alloc(40)
  message.writeInt32BE(28, 8)
  message.writeInt8(magic, at.magic)
  return message
}

const hostile: readonly (readonly [string, () => Buffer, string])[] = [
  ['no bytes', () => Buffer.alloc(0), 'INVALID_RECORD'],
  ['one byte', () => Buffer.alloc(1), 'INVALID_RECORD'],
  ['half a header', () => good().subarray(0, 40), 'INVALID_RECORD'],
  ['a message of magic 0', () => oldMessage(0), 'INVALID_RECORD'],
  ['a message of magic 1', () => oldMessage(1), 'INVALID_RECORD'],
  ['magic 3', () => changed(batch => batch.writeInt8(3, at.magic)), 'CORRUPT_MESSAGE'],
  ['magic -1', () => changed(batch => batch.writeInt8(-1, at.magic)), 'CORRUPT_MESSAGE'],
  [
    'a length beyond the end',
    () => changed(batch => batch.writeInt32BE(10_000, at.batchLength)),
    'INVALID_RECORD',
  ],
  [
    'the largest length',
    () => changed(batch => batch.writeInt32BE(2 ** 31 - 1, at.batchLength)),
    'INVALID_RECORD',
  ],
  ['a negative length', () => changed(batch => batch.writeInt32BE(-1, at.batchLength)), 'CORRUPT_MESSAGE'],
  [
    'a length shorter than the header',
    () => changed(batch => batch.writeInt32BE(20, at.batchLength)),
    'CORRUPT_MESSAGE',
  ],
  [
    'a wrong checksum',
    () => {
      const batch = good()
      batch[at.crc]! ^= 1
      return batch
    },
    'CORRUPT_MESSAGE',
  ],
  ['two batches', () => Buffer.concat([good(), good()]), 'INVALID_RECORD'],
  ['a base offset', () => changed(batch => batch.writeBigInt64BE(5n, 0)), 'INVALID_RECORD'],
  ['a count that lies upwards', () => changed(batch => batch.writeInt32BE(2, at.count)), 'INVALID_RECORD'],
  [
    'a huge count',
    () =>
      changed(batch => {
        batch.writeInt32BE(2 ** 31 - 1, at.count)
        batch.writeInt32BE(2 ** 31 - 2, at.lastOffsetDelta)
      }),
    'INVALID_RECORD',
  ],
  [
    'no records',
    () =>
      changed(batch => {
        batch.writeInt32BE(0, at.count)
        batch.writeInt32BE(-1, at.lastOffsetDelta)
      }),
    'INVALID_RECORD',
  ],
  ['a negative count', () => changed(batch => batch.writeInt32BE(-1, at.count)), 'INVALID_RECORD'],
  [
    'a last offset delta that lies',
    () => changed(batch => batch.writeInt32BE(7, at.lastOffsetDelta)),
    'INVALID_RECORD',
  ],
  [
    'a negative last offset delta',
    () => changed(batch => batch.writeInt32BE(-7, at.lastOffsetDelta)),
    'INVALID_RECORD',
  ],
  [
    'compression 5',
    () => changed(batch => batch.writeInt16BE(5, at.attributes)),
    'UNSUPPORTED_COMPRESSION_TYPE',
  ],
  [
    'compression 6',
    () => changed(batch => batch.writeInt16BE(6, at.attributes)),
    'UNSUPPORTED_COMPRESSION_TYPE',
  ],
  [
    'compression 7',
    () => changed(batch => batch.writeInt16BE(7, at.attributes)),
    'UNSUPPORTED_COMPRESSION_TYPE',
  ],
  ['a control batch', () => changed(batch => batch.writeInt16BE(0x20, at.attributes)), 'INVALID_RECORD'],
  [
    'an end of a transaction',
    () =>
      buildEndTransactionMarker({
        outcome: 'commit',
        producerId: 5,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        timestampMs: 1,
      }),
    'INVALID_RECORD',
  ],
  [
    'a transaction without a producer',
    () => changed(batch => batch.writeInt16BE(0x10, at.attributes)),
    'INVALID_RECORD',
  ],
  [
    'a transaction that nobody began',
    () => batchOf(['x'], { producerId: 77, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
    'INVALID_TXN_STATE',
  ],
  [
    'a producer without a sequence',
    () => changed(batch => batch.writeBigInt64BE(9n, at.producerId)),
    'INVALID_RECORD',
  ],
  [
    'a producer id beyond 2^53',
    () =>
      changed(batch => {
        batch.writeBigInt64BE(2n ** 60n, at.producerId)
        batch.writeInt32BE(0, at.sequence)
      }),
    'CORRUPT_MESSAGE',
  ],
  [
    'a time beyond 2^53',
    () => changed(batch => batch.writeBigInt64BE(2n ** 62n, at.baseTimestamp)),
    'CORRUPT_MESSAGE',
  ],
  ['records of random bytes', () => holding(Buffer.from('nothing like a record')), 'INVALID_RECORD'],
  ['a record of 2 GiB', () => holding(Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0])), 'INVALID_RECORD'],
  ['an overlong varint', () => holding(Buffer.alloc(20, 0xff)), 'INVALID_RECORD'],
  [
    '2^31 headers',
    () => holding(Buffer.from([0x16, 0, 0, 0, 0x01, 0x01, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0])),
    'INVALID_RECORD',
  ],
  [
    'bytes behind the last record',
    () => holding(Buffer.concat([good().subarray(at.records), Buffer.alloc(3)])),
    'INVALID_RECORD',
  ],
]

test.each(hostile)('%s: refused by name, and nothing is written', async (_, batch, error) => {
  const before = (await fetchFrom(bystander, 'target')).highWatermark
  const refused = await produceTo(client, 'target', batch())
  expect(refused).toMatchObject({ error, baseOffset: -1 })
  expect((await fetchFrom(bystander, 'target')).highWatermark).toBe(before)
})

/** What comes in the codec that a topic stores is not unpacked, so it does no harm here. */
function topicsThatUnpack(type: CompressionType): string[] {
  return type === 'gzip' ? ['compacted'] : ['compacted', 'repacked']
}

const codecs: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a bomb of %s is not unpacked beyond the limit where it has to be looked into',
  async type => {
    const bomb = holding(compress(type, Buffer.alloc(120_000_000)), { codec: codecs.indexOf(type) })
    const before = process.memoryUsage().rss
    for (const topic of topicsThatUnpack(type)) {
      const { error } = await produceTo(client, topic, Buffer.from(bomb))
      expect(error).toBe('MESSAGE_TOO_LARGE')
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
  },
)

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'broken %s is refused where it has to be unpacked',
  async type => {
    const codec = codecs.indexOf(type)
    const whole = compress(type, good().subarray(at.records))
    for (const bytes of [
      Buffer.alloc(0),
      whole.subarray(0, whole.length - 3),
      Buffer.from('garbage garbage garbage'),
    ]) {
      for (const topic of topicsThatUnpack(type)) {
        const { error } = await produceTo(client, topic, holding(bytes, { codec }))
        expect(['INVALID_RECORD', 'CORRUPT_MESSAGE']).toContain(error)
      }
    }
  },
)
