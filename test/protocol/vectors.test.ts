// Every message at every version, against bytes that Apache Kafka's own classes wrote.
import { describe, expect, test } from 'vitest'
import {
  apiByKey,
  apis,
  type CoordinatorRecord,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeControlRecord,
  decodeCoordinatorRecord,
  decodeMessage,
  decodeRecords,
  decodeRequestHeader,
  decodeResponseHeader,
  decompress,
  encodeMessage,
  encodeRecordKey,
  encodeRecordValue,
  encodeRequestHeader,
  encodeResponseHeader,
  findBatch,
  groupCoordinatorRecords,
  type Message,
  producerSnapshot,
  ProtocolError,
  buildBatch,
  Reader,
  shareCoordinatorRecords,
  transactionCoordinatorRecords,
  walkRecords,
  Writer,
} from '../../protocol/index.ts'
import {
  differences,
  type JsonValue,
  readLines,
  readVectors,
  type Vector,
  vectorFiles,
} from '../vectors/read-vectors.ts'

/** What is wrong with how we read and write one vector; empty when nothing is. */
function faultsOf(message: Message, vector: Vector): string[] {
  const { version, bytes } = vector
  const where = `${message.name} v${version} ${vector.case}`
  try {
    const faults: string[] = []
    for (const borrow of [false, true]) {
      const reader = new Reader(bytes, 0, bytes.length, { borrow })
      const value = decodeMessage(message, version, reader)
      faults.push(...differences(value, vector.value))
      if (reader.remaining !== 0) faults.push(`: ${reader.remaining} bytes are left`)
      const writer = new Writer(16)
      encodeMessage(message, version, value, writer)
      const written = writer.finish()
      if (vector.case === 'unknown-tags') {
        // Tags that nobody knows are not kept, so what is written must only mean the same.
        const again = decodeMessage(message, version, new Reader(written))
        faults.push(...differences(again, vector.value))
      } else if (!written.equals(bytes)) {
        faults.push(`: written as ${written.toString('hex')}, not ${bytes.toString('hex')}`)
      }
    }
    return [...new Set(faults)].map(fault => where + fault)
  } catch (error) {
    return [`${where}: ${String(error)}`]
  }
}

/** Every cut through the bytes must be noticed and named. */
function cutsThatPass(message: Message, { version, bytes }: Vector): number[] {
  const passed: number[] = []
  for (let length = 0; length < bytes.length; length++) {
    try {
      decodeMessage(message, version, new Reader(bytes, 0, length))
      passed.push(length)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
  }
  return passed
}

function newestFull(vectors: readonly Vector[], kind: Vector['kind']): Vector | undefined {
  return vectors.findLast(vector => vector.kind === kind && vector.case === 'full')
}

const fileNames = vectorFiles('apis')

test('there are vectors for exactly the APIs that we speak, at the same versions', () => {
  const kafkas = fileNames.map(name => readLines(`apis/${name}`)[0]!)
  const ours = [...apis.values()].map(api => ({
    api: api.name,
    key: api.key,
    lowestVersion: api.versions.min,
    highestVersion: api.versions.max,
  }))
  const byKey = (one: { key?: unknown }, other: { key?: unknown }): number =>
    Number(one.key) - Number(other.key)
  expect(ours.toSorted(byKey)).toEqual(kafkas.toSorted(byKey))
})

describe.each(fileNames)('%s', name => {
  const [head, ...rest] = readLines(`apis/${name}`)
  const vectors = rest as unknown as Vector[]
  const api = apiByKey(Number(head?.key))

  test.each(['request', 'response'] as const)('%s is read and written as by Kafka', kind => {
    if (api === undefined) throw new Error(`There is no API ${name}.`)
    const faults = vectors
      .filter(vector => vector.kind === kind)
      .flatMap(vector => faultsOf(api[kind], vector))
    expect(faults).toEqual([])
    const full = newestFull(vectors, kind)
    if (full !== undefined) expect(cutsThatPass(api[kind], full)).toEqual([])
  })
})

test('request headers are read and written as by Kafka', () => {
  for (const line of readLines('headers').filter(({ kind }) => kind === 'request')) {
    const { bytes, value } = line as { bytes: Buffer; value: Record<string, JsonValue> }
    const reader = new Reader(bytes)
    const header = decodeRequestHeader(reader)
    expect(header).toEqual({
      apiKey: value.requestApiKey,
      apiVersion: value.requestApiVersion,
      correlationId: value.correlationId,
      clientId: value.clientId,
    })
    expect(reader.remaining).toBe(0)
    if (line.case === 'unknown-tags') continue
    const writer = new Writer(16)
    encodeRequestHeader(apiByKey(header.apiKey)!, header, writer)
    expect(writer.finish()).toEqual(bytes)
  }
})

test('response headers are read and written as by Kafka', () => {
  for (const line of readLines('headers').filter(({ kind }) => kind === 'response')) {
    const { bytes, value } = line as { bytes: Buffer; value: { correlationId: number } }
    const api = apiByKey(Number(line.key))!
    const reader = new Reader(bytes)
    expect(decodeResponseHeader(api, Number(line.version), reader)).toBe(value.correlationId)
    expect(reader.remaining).toBe(0)
    const writer = new Writer(16)
    encodeResponseHeader(api, Number(line.version), value.correlationId, writer)
    expect(writer.finish()).toEqual(bytes)
  }
})

const standAlone = {
  'embedded/ConsumerProtocolSubscription': consumerProtocolSubscription,
  'embedded/ConsumerProtocolAssignment': consumerProtocolAssignment,
  'internal/storage/ProducerSnapshot': producerSnapshot,
}

test.each(Object.entries<Message>(standAlone))('%s is read and written as by Kafka', (path, message) => {
  const vectors = readVectors(path)
  expect(vectors.flatMap(vector => faultsOf(message, vector))).toEqual([])
  expect(new Set(vectors.map(vector => vector.version)).size).toBe(
    message.versions.max - message.versions.min + 1,
  )
})

test("an end-of-transaction marker's value is read as by Kafka", () => {
  for (const { version, bytes, value } of readVectors('embedded/EndTxnMarker')) {
    const record = {
      key: Buffer.from([0, 0, 0, 1]),
      value: Buffer.concat([Buffer.from([0, version]), bytes]),
    }
    const { coordinatorEpoch } = value as { coordinatorEpoch: number }
    expect(decodeControlRecord(record)).toEqual({ kind: 'commit', coordinatorEpoch })
  }
})

const coordinators: Readonly<Record<string, readonly CoordinatorRecord[]>> = {
  group: groupCoordinatorRecords,
  transaction: transactionCoordinatorRecords,
  share: shareCoordinatorRecords,
}

describe.each(Object.entries(coordinators))('records of the %s coordinator', (coordinator, records) => {
  test('are exactly those of Kafka', () => {
    const kafkas = vectorFiles(`internal/${coordinator}`)
    const ours = records.flatMap(record => [record.key.name, record.value.name])
    expect(ours.toSorted()).toEqual(kafkas.toSorted())
  })

  test.each(records.map(record => [record.name, record] as const))(
    '%s is read and written as by Kafka',
    (_, record) => {
      for (const message of [record.key, record.value]) {
        const path = `internal/${coordinator}/${message.name}`
        const vectors = readVectors(path)
        expect(vectors.flatMap(vector => faultsOf(message, vector))).toEqual([])
        expect(readLines(path)[0]?.type).toBe(record.type)
        const versions = new Set(vectors.map(vector => vector.version))
        expect([Math.min(...versions), Math.max(...versions)]).toEqual([
          message.versions.min,
          message.versions.max,
        ])
      }
    },
  )

  test.each(records.map(record => [record.name, record] as const))(
    '%s goes into a topic and out of it',
    (_, record) => {
      const [keyVector] = readVectors(`internal/${coordinator}/${record.key.name}`)
      for (const valueVector of readVectors(`internal/${coordinator}/${record.value.name}`)) {
        if (keyVector === undefined || valueVector.case === 'unknown-tags') continue
        const key = Buffer.concat([int16(record.type), keyVector.bytes])
        const value = Buffer.concat([int16(valueVector.version), valueVector.bytes])
        const decoded = decodeCoordinatorRecord(records, key, value)
        if (decoded.kind === 'unknown' || !('key' in decoded)) throw new Error(`${record.name} is unknown.`)
        expect(decoded.kind).toBe(record.name)
        expect(differences(decoded.value, valueVector.value)).toEqual([])
        expect(encodeRecordKey(record, decoded.key)).toEqual(key)
        expect(encodeRecordValue(record, valueVector.version, decoded.value!)).toEqual(value)
      }
    },
  )
})

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

const batchFields = [
  'baseOffset',
  'sizeInBytes',
  'partitionLeaderEpoch',
  'magic',
  'crc',
  'compression',
  'timestampType',
  'isTransactional',
  'isControl',
  'lastOffset',
  'nextOffset',
  'maxTimestamp',
  'producerId',
  'producerEpoch',
  'baseSequence',
  'lastSequence',
  'recordCount',
] as const

describe.each(readLines('record-batches').map(line => [line.name as string, line] as const))(
  'batch "%s"',
  (_, line) => {
    const bytes = line.bytes as Buffer
    const found = findBatch(bytes)
    if (found.kind !== 'batch') throw new Error(`There is no batch: ${found.kind}`)
    const { batch } = found
    const limit = { maxDecompressedBytes: 1_000_000 }

    test('has the fields that Kafka reads', () => {
      expect(batch.isValidCrc()).toBe(true)
      for (const name of batchFields) expect(batch[name], name).toBe(line[name])
      expect(batch.deleteHorizonMs ?? null).toBe(line.deleteHorizonMs)
    })

    test('has the records that Kafka reads', () => {
      const records = [...decodeRecords(batch, limit)]
      if (line.records !== undefined) {
        expect(differences(records, line.records as JsonValue)).toEqual([])
        return
      }
      expect(records.length).toBe(line.numbered)
      records.forEach((record, index) => {
        expect(record.key?.toString()).toBe(String(index))
        expect(record.value?.toString()).toBe(String.fromCharCode(97 + (index % 26)).repeat(100))
      })
    })

    test('is sound', () => {
      const plain = decompress(batch.compression, batch.recordsBytes, limit)
      const walked = walkRecords(batch, plain)
      if (walked.kind !== 'sound') throw new Error(walked.sentence)
      const times = [...decodeRecords(batch, limit)].map(record => record.timestamp)
      if (batch.timestampType === 'CreateTime') expect(walked.maxTimestamp).toBe(Math.max(...times))
    })

    test('is built to the same bytes, as far as codecs allow', () => {
      const built = buildBatch({
        ...batchOf(),
        records: [...decodeRecords(batch, limit)].map(record => ({
          ...record,
          offsetDelta: record.offset - batch.baseOffset,
        })),
      })
      if (batch.compression === 'none' && batch.timestampType === 'CreateTime') expect(built).toEqual(bytes)
      const again = findBatch(built)
      expect(again.kind === 'batch' && [...decodeRecords(again.batch, limit)]).toEqual([
        ...decodeRecords(batch, limit),
      ])
    })

    function batchOf(): Omit<Parameters<typeof buildBatch>[0], 'records'> {
      const { deleteHorizonMs } = batch
      return {
        baseOffset: batch.baseOffset,
        partitionLeaderEpoch: batch.partitionLeaderEpoch,
        compression: batch.compression,
        timestampType: batch.timestampType,
        maxTimestamp: batch.maxTimestamp,
        producerId: batch.producerId,
        producerEpoch: batch.producerEpoch,
        baseSequence: batch.baseSequence,
        isTransactional: batch.isTransactional,
        isControl: batch.isControl,
        lastOffsetDelta: batch.lastOffsetDelta,
        ...(deleteHorizonMs === undefined ? {} : { deleteHorizonMs }),
      }
    }
  },
)
