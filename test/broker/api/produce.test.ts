import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersions, batchesOf, errorName, produce } from '../../../protocol/index.ts'
import { type BrokerConnection, frameOf } from '../../support/broker-connection.ts'
import {
  batchOf,
  fetchFrom,
  metadataOf,
  newProducerId,
  produceRequest,
  produceTo,
  readAll,
  recordsIn,
  resource,
  setConfigs,
  topicOf,
} from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'

let broker: RunningBroker
let client: BrokerConnection

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: { 'auto.create.topics.enable': 'false' } })
  client = await broker.connect()
})

afterAll(() => broker.remove())

test.each([-1, 1])('with acks=%i the answer tells the first offset of each batch', async acks => {
  const topic = `acks${acks}`
  await topicOf(client, topic)
  const first = await produceTo(client, topic, batchOf(['a', 'b']), { acks })
  expect(first).toMatchObject({ error: 'NONE', baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0 })
  expect(await produceTo(client, topic, batchOf(['c']), { acks })).toMatchObject({ baseOffset: 2 })
  expect(await readAll(client, topic)).toEqual(['a', 'b', 'c'])
})

test('with acks=0 nothing is answered and everything is written', async () => {
  await topicOf(client, 'acks0')
  for (const [at, value] of ['a', 'b'].entries()) {
    const request = produceRequest('acks0', batchOf([value]), { acks: 0 })
    client.send(frameOf(produce, 9, request, { correlationId: 900 + at }))
  }
  // The next answer on the connection is the one of the next request, so there was none before it.
  expect((await client.request(apiVersions, 0, {})).errorCode).toBe(0)
  expect(await readAll(client, 'acks0')).toEqual(['a', 'b'])
})

test('with acks=0 a failure closes the connection, so that the producer looks for the right leader', async () => {
  for (const request of [
    produceRequest('not-there', batchOf(['a']), { acks: 0 }),
    produceRequest('acks0', Buffer.alloc(10), { acks: 0 }),
  ]) {
    const other = await broker.connect()
    other.send(frameOf(produce, 9, request, { correlationId: 1 }))
    await other.closed
  }
})

test.each([2, -2, 32_767])('acks=%i is refused for every partition', async acks => {
  await topicOf(client, `acks-wrong${acks}`, { partitions: 2 })
  const records = batchOf(['a'])
  const answer = await client.request(produce, 9, {
    acks,
    timeoutMs: 1000,
    topicData: [
      {
        name: `acks-wrong${acks}`,
        partitionData: [
          { index: 0, records },
          { index: 1, records },
        ],
      },
    ],
  })
  const results = answer.responses[0]?.partitionResponses ?? []
  expect(results.map(({ errorCode }) => errorName(errorCode))).toEqual(Array(2).fill('INVALID_REQUIRED_ACKS'))
  expect(results.map(({ baseOffset }) => baseOffset)).toEqual([-1, -1])
})

test('each partition succeeds or fails alone', async () => {
  await topicOf(client, 'alone', { partitions: 2 })
  const answer = await client.request(produce, 12, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      {
        name: 'alone',
        partitionData: [
          { index: 0, records: batchOf(['good']) },
          { index: 1, records: null },
          { index: 2, records: batchOf(['no such partition']) },
        ],
      },
      { name: 'unknown', partitionData: [{ index: 0, records: batchOf(['x']) }] },
    ],
  })
  expect(
    answer.responses.map(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode }) => errorName(errorCode)),
    ),
  ).toEqual([['NONE', 'INVALID_RECORD', 'UNKNOWN_TOPIC_OR_PARTITION'], ['UNKNOWN_TOPIC_OR_PARTITION']])
  expect(await readAll(client, 'alone')).toEqual(['good'])
})

test('from v13 on topics come by id; an unknown id and none at all are told by name', async () => {
  const topicId = await topicOf(client, 'by-id')
  expect(await produceTo(client, '', batchOf(['a']), { topicId })).toMatchObject({
    error: 'NONE',
    baseOffset: 0,
  })
  for (const unknown of ['BAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAA']) {
    expect((await produceTo(client, '', batchOf(['a']), { topicId: unknown })).error).toBe('UNKNOWN_TOPIC_ID')
  }
})

test('clients may not write to internal topics, the admin client of Kafka may', async () => {
  await topicOf(client, '__consumer_offsets')
  expect((await produceTo(client, '__consumer_offsets', batchOf(['a']))).error).toBe(
    'INVALID_TOPIC_EXCEPTION',
  )
  const request = produceRequest('__consumer_offsets', batchOf(['a']))
  client.send(frameOf(produce, 9, request, { correlationId: 77, clientId: '__admin_client' }))
  const frame = await client.frame()
  expect(frame.readInt32BE(0)).toBe(77)
  expect((await metadataOf(client, ['__consumer_offsets'])).topics[0]?.isInternal).toBe(true)
  expect(await readAll(client, '__consumer_offsets')).toEqual(['a'])
})

test('a pipeline of requests is written and answered in its order', async () => {
  await topicOf(client, 'pipeline')
  const values = Array.from({ length: 300 }, (_, at) => `v${at}`)
  for (const [at, value] of values.entries()) {
    client.send(frameOf(produce, 9, produceRequest('pipeline', batchOf([value])), { correlationId: at }))
  }
  const frames = await client.frames(values.length)
  expect(frames.map(frame => frame.readInt32BE(0))).toEqual(values.map((_, at) => at))
  expect(await readAll(client, 'pipeline')).toEqual(values)
})

test('with LogAppendTime the answer and the records have the time of the broker', async () => {
  await topicOf(client, 'append-time', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
  const before = Date.now()
  const { logAppendTimeMs } = await produceTo(client, 'append-time', batchOf(['a'], { timestamp: 1000 }))
  expect(logAppendTimeMs).toBeGreaterThanOrEqual(before)
  const { records } = await fetchFrom(client, 'append-time')
  expect(recordsIn(records).map(({ timestamp }) => timestamp)).toEqual([logAppendTimeMs])
})

test('a compacted topic refuses a batch in which a record has no key, and says which', async () => {
  await topicOf(client, 'compacted', { configs: { 'cleanup.policy': 'compact' } })
  const key = Buffer.from('k')
  const good = { key, value: Buffer.from('v') }
  for (const compression of ['none', 'gzip'] as const) {
    const refused = await produceTo(client, 'compacted', batchOf([good, 'no key', good], { compression }))
    expect(refused).toMatchObject({ error: 'INVALID_RECORD', baseOffset: -1 })
    expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1])
    expect(refused.errorMessage).toContain('key')
    expect((await produceTo(client, 'compacted', batchOf([good], { compression }))).error).toBe('NONE')
  }
})

test.each(['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'])(
  'a topic with compression.type=%s stores every batch so',
  async type => {
    const topic = `packed-${type}`
    await topicOf(client, topic, { configs: { 'compression.type': type } })
    const stored = type === 'uncompressed' ? 'none' : type
    for (const compression of ['none', 'gzip', 'zstd'] as const) {
      expect((await produceTo(client, topic, batchOf(['a', 'b'], { compression }))).error).toBe('NONE')
    }
    const { records } = await fetchFrom(client, topic)
    expect([...batchesOf(records ?? Buffer.alloc(0))].map(batch => batch.compression)).toEqual(
      Array(3).fill(stored),
    )
    expect(await readAll(client, topic)).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  },
)

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a batch packed with %s is stored as it came',
  async compression => {
    const topic = `as-it-came-${compression}`
    await topicOf(client, topic)
    const records = batchOf(
      [{ key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: null }] }],
      {
        compression,
      },
    )
    expect((await produceTo(client, topic, records)).error).toBe('NONE')
    const answer = await fetchFrom(client, topic)
    // All but base offset (8), its length (4) and leader epoch (4), which the leader sets.
    expect(answer.records?.subarray(16)).toEqual(records.subarray(16))
  },
)

test('zstd needs Produce v7', async () => {
  await topicOf(client, 'old-zstd')
  const records = batchOf(['a'], { compression: 'zstd' })
  expect((await produceTo(client, 'old-zstd', records, { version: 6 })).error).toBe(
    'UNSUPPORTED_COMPRESSION_TYPE',
  )
  expect((await produceTo(client, 'old-zstd', records, { version: 7 })).error).toBe('NONE')
})

test('max.message.bytes is a limit to the byte, and a change of it holds at once', async () => {
  const records = batchOf(['x'.repeat(500)])
  await topicOf(client, 'limited', { configs: { 'max.message.bytes': String(records.length - 1) } })
  expect((await produceTo(client, 'limited', records)).error).toBe('MESSAGE_TOO_LARGE')
  await setConfigs(client, resource.topic, 'limited', { 'max.message.bytes': String(records.length) })
  expect((await produceTo(client, 'limited', records)).error).toBe('NONE')
  expect(await readAll(client, 'limited')).toHaveLength(1)
})

test('a batch that fits no segment is refused', async () => {
  await topicOf(client, 'small-segments', {
    configs: { 'segment.bytes': '1048576', 'max.message.bytes': '5000000' },
  })
  const refused = await produceTo(client, 'small-segments', batchOf(['x'.repeat(1_100_000)]))
  expect(refused.error).toBe('RECORD_LIST_TOO_LARGE')
})

test('records too old or too far in the future are refused one by one', async () => {
  await topicOf(client, 'timed', {
    configs: { 'message.timestamp.before.max.ms': '60000', 'message.timestamp.after.max.ms': '60000' },
  })
  const now = Date.now()
  const at = (timestamp: number) => ({ value: Buffer.from('v'), timestamp })
  const refused = await produceTo(client, 'timed', batchOf([at(now), at(now - 120_000), at(now + 120_000)]))
  expect(refused.error).toBe('INVALID_TIMESTAMP')
  expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 2])
  expect((await produceTo(client, 'timed', batchOf([at(now)]))).error).toBe('NONE')
  expect((await produceTo(client, 'timed', batchOf([at(-1)]))).error).toBe('NONE')
})

// ---- idempotence ----

interface Sequence {
  readonly producerId: number
  readonly producerEpoch?: number
  readonly baseSequence: number
}

function idempotent(topic: string, values: readonly string[], from: Sequence) {
  return produceTo(client, topic, batchOf(values, { producerEpoch: 0, ...from }))
}

test('a repeated batch is answered with its first offset and not written again', async () => {
  await topicOf(client, 'repeated')
  const producerId = await newProducerId(client)
  const batch = batchOf(['a', 'b'], { producerId, producerEpoch: 0, baseSequence: 0 })
  expect(await produceTo(client, 'repeated', Buffer.from(batch))).toMatchObject({
    error: 'NONE',
    baseOffset: 0,
  })
  await idempotent('repeated', ['c'], { producerId, baseSequence: 2 })
  for (const acks of [-1, 1]) {
    const again = await produceTo(client, 'repeated', Buffer.from(batch), { acks })
    expect(again).toMatchObject({ error: 'NONE', baseOffset: 0 })
  }
  expect(await readAll(client, 'repeated')).toEqual(['a', 'b', 'c'])
})

test('the last five batches of a producer are remembered; of an older one it is told that it is there', async () => {
  await topicOf(client, 'five')
  const producerId = await newProducerId(client)
  for (let baseSequence = 0; baseSequence < 6; baseSequence++) {
    expect((await idempotent('five', ['x'], { producerId, baseSequence })).baseOffset).toBe(baseSequence)
  }
  expect(await idempotent('five', ['x'], { producerId, baseSequence: 1 })).toMatchObject({
    error: 'NONE',
    baseOffset: 1,
  })
  expect(await idempotent('five', ['x'], { producerId, baseSequence: 0 })).toMatchObject({
    error: 'DUPLICATE_SEQUENCE_NUMBER',
    baseOffset: -1,
  })
  expect(await readAll(client, 'five')).toHaveLength(6)
})

test('a gap in the sequence, an old epoch and a new epoch that does not begin at 0 are refused', async () => {
  await topicOf(client, 'sequences')
  const producerId = await newProducerId(client)
  const send = (baseSequence: number, producerEpoch: number) =>
    idempotent('sequences', ['x'], { producerId, producerEpoch, baseSequence }).then(({ error }) => error)
  expect(await send(0, 3)).toBe('NONE')
  expect(await send(2, 3)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await send(1, 2)).toBe('INVALID_PRODUCER_EPOCH')
  expect(await send(1, 4)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await send(0, 4)).toBe('NONE')
  expect(await send(1, 3)).toBe('INVALID_PRODUCER_EPOCH')
})

test('a producer that is not known may begin anywhere, and after 2147483647 comes 0', async () => {
  await topicOf(client, 'wrap')
  const producerId = await newProducerId(client)
  const send = (values: readonly string[], baseSequence: number) =>
    idempotent('wrap', values, { producerId, baseSequence }).then(({ error }) => error)
  expect(await send(['a', 'b'], 2_147_483_646)).toBe('NOT_ENOUGH_REPLICAS')
  expect(await send(['a', 'b'], 2_147_483_646)).toBe('NONE')
  expect(await send(['c'], 0)).toBe('NONE')
  const across = { producerId: await newProducerId(client), baseSequence: 2_147_483_646 }
  await idempotent('wrap', ['d', 'e', 'f'], across)
  expect((await idempotent('wrap', ['d', 'e', 'f'], across)).error).toBe('NONE')
  expect((await idempotent('wrap', ['g'], { ...across, baseSequence: 1 })).error).toBe('NONE')
  expect(await readAll(client, 'wrap')).toHaveLength(7)
})

test('a batch does not overtake one that was refused before it, though its producer is not known yet', async () => {
  const producerId = await newProducerId(client)
  const send = (baseSequence: number) =>
    idempotent('overtaken', [`v${baseSequence}`], { producerId, baseSequence }).then(({ error }) => error)
  // As where the broker has not learned yet that it leads.
  expect(await send(0)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  await topicOf(client, 'overtaken')
  for (const onItsWay of [1, 2]) expect(await send(onItsWay)).toBe('NOT_ENOUGH_REPLICAS')
  for (const again of [0, 1, 2]) expect(await send(again)).toBe('NONE')
  expect(await readAll(client, 'overtaken')).toEqual(['v0', 'v1', 'v2'])
})

test('pipelined batches of a producer are checked each against those before it', async () => {
  await topicOf(client, 'pipelined-sequence')
  const producerId = await newProducerId(client)
  for (const [at, baseSequence] of [0, 1, 1, 3].entries()) {
    const records = batchOf(['x'], { producerId, producerEpoch: 0, baseSequence })
    client.send(frameOf(produce, 9, produceRequest('pipelined-sequence', records), { correlationId: at }))
  }
  await client.frames(4)
  expect(await readAll(client, 'pipelined-sequence')).toHaveLength(2)
})

test('a transactional batch is refused while no coordinator can vouch for it, and readers are not held up', async () => {
  await topicOf(client, 'transactional')
  const producerId = await newProducerId(client)
  const records = batchOf(['x'], { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true })
  expect((await produceTo(client, 'transactional', records)).error).toBe('INVALID_TXN_STATE')
  expect((await produceTo(client, 'transactional', batchOf(['y']))).baseOffset).toBe(0)
  expect(await fetchFrom(client, 'transactional', { isolationLevel: 1 })).toMatchObject({
    lastStableOffset: 1,
  })
})
