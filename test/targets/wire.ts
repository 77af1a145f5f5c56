/**
 * As much of the Kafka wire format as probes, load generators and bad-input tests need, written out by hand: on purpose
 * not from protocol/, so that what is tested is not tested with itself. Non-flexible versions only.
 */

export const apiKeys = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  apiVersions: 18,
  createTopics: 19,
  deleteTopics: 20,
}

export const int8 = (value: number): Buffer => Buffer.from([value & 0xff])

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

export function string(value: string | null): Buffer {
  if (value === null) return int16(-1)
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

/** An array with its int32 count before it. */
export const arrayOf = (elements: readonly Buffer[]): Buffer =>
  Buffer.concat([int32(elements.length), ...elements])

/** Zigzag variable-length integer, as records use it; |value| < 2^31. */
export function varint(value: number): Buffer {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  const bytes: number[] = []
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** A length-prefixed request with header v1. */
export function requestFrame(
  apiKey: number,
  version: number,
  correlationId: number,
  body: Buffer,
  clientId = 'wire',
): Buffer {
  const payload = Buffer.concat([int16(apiKey), int16(version), int32(correlationId), string(clientId), body])
  return Buffer.concat([int32(payload.length), payload])
}

export interface WireRecord {
  readonly key?: Buffer | null
  readonly value: Buffer | null
}

/** One uncompressed v2 batch, base offset 0, without producer id. */
export function recordBatch(records: readonly WireRecord[], timestampMs: number): Buffer {
  const encoded = records.map(({ key = null, value }, index) => {
    const body = Buffer.concat([
      int8(0),
      varint(0),
      varint(index),
      ...(key === null ? [varint(-1)] : [varint(key.length), key]),
      ...(value === null ? [varint(-1)] : [varint(value.length), value]),
      varint(0),
    ])
    return Buffer.concat([varint(body.length), body])
  })
  const checked = Buffer.concat([
    int16(0), // attributes
    int32(records.length - 1), // last offset delta
    int64(timestampMs),
    int64(timestampMs),
    int64(-1), // producer id
    int16(-1),
    int32(-1),
    int32(records.length),
    ...encoded,
  ])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32c(checked))
  return Buffer.concat([int64(0), int32(9 + checked.length), int32(-1), int8(2), checksum, checked])
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

export function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** Produce v7 body: one batch to one partition. */
export function produceBody(
  topic: string,
  partition: number,
  batch: Buffer,
  acks: number,
  timeoutMs = 30_000,
): Buffer {
  return Buffer.concat([
    string(null),
    int16(acks),
    int32(timeoutMs),
    arrayOf([
      Buffer.concat([
        string(topic),
        arrayOf([Buffer.concat([int32(partition), int32(batch.length), batch])]),
      ]),
    ]),
  ])
}

/** Error code and base offset of a Produce v7 answer's first partition (`payload` begins at the correlation id). */
export function produceOutcome(payload: Buffer): { errorCode: number; baseOffset: number } {
  const reader = new WireReader(payload, 4)
  reader.arrayLength()
  reader.string()
  reader.arrayLength()
  reader.int32()
  return { errorCode: reader.int16(), baseOffset: reader.int64() }
}

/** Fetch v11 body without a session: one partition from `offset`. */
export function fetchBody(
  topic: string,
  partition: number,
  offset: number,
  { maxBytes = 1_048_576, minBytes = 1, maxWaitMs = 500 } = {},
): Buffer {
  const wanted = [int32(partition), int32(-1), int64(offset), int64(-1), int32(maxBytes)]
  return Buffer.concat([
    int32(-1),
    int32(maxWaitMs),
    int32(minBytes),
    int32(52_428_800),
    int8(0), // read uncommitted
    int32(0),
    int32(-1),
    arrayOf([Buffer.concat([string(topic), arrayOf([Buffer.concat(wanted)])])]),
    arrayOf([]),
    string(''),
  ])
}

export interface FetchOutcome {
  readonly errorCode: number
  readonly highWatermark: number
  readonly records: Buffer
}

/** The first partition of a Fetch v11 answer. */
export function fetchOutcome(payload: Buffer): FetchOutcome {
  const reader = new WireReader(payload, 4)
  reader.int32() // throttle
  const errorCode = reader.int16()
  reader.int32() // session
  if (errorCode !== 0 || reader.arrayLength() === 0) {
    return { errorCode, highWatermark: -1, records: Buffer.alloc(0) }
  }
  reader.string()
  reader.arrayLength()
  reader.int32()
  const partitionError = reader.int16()
  const highWatermark = reader.int64()
  reader.int64() // last stable offset
  reader.int64() // log start offset
  const aborted = reader.arrayLength()
  for (let index = 0; index < aborted; index++) reader.skip(16)
  reader.int32() // preferred replica
  const length = reader.int32()
  return { errorCode: partitionError, highWatermark, records: reader.bytes(Math.max(0, length)) }
}

/** First offset after the last whole batch in `records`; -1 when there is none. */
export function nextOffsetOf(records: Buffer): number {
  let position = 0
  let next = -1
  while (position + 61 <= records.length) {
    const end = position + 12 + records.readInt32BE(position + 8)
    if (end > records.length) break
    next = Number(records.readBigInt64BE(position)) + records.readInt32BE(position + 23) + 1
    position = end
  }
  return next
}

/** CreateTopics v4 body; `replicas` is how many each partition has, or for every partition the brokers that hold it. */
export function createTopicsBody(
  topics: readonly string[],
  partitions: number,
  settings: Record<string, string> = {},
  replicas: number | readonly (readonly number[])[] = 1,
  timeoutMs = 60_000,
): Buffer {
  const counts = typeof replicas === 'number' ? [int32(partitions), int16(replicas)] : [int32(-1), int16(-1)]
  const assigned = (typeof replicas === 'number' ? [] : replicas).map((brokers, index) =>
    Buffer.concat([int32(index), arrayOf(brokers.map(int32))]),
  )
  const entries = Object.entries(settings).map(([name, value]) =>
    Buffer.concat([string(name), string(value)]),
  )
  return Buffer.concat([
    arrayOf(
      topics.map(name => Buffer.concat([string(name), ...counts, arrayOf(assigned), arrayOf(entries)])),
    ),
    int32(timeoutMs),
    int8(0),
  ])
}

/** Topic name and error code of each topic in a CreateTopics v4 answer. */
export function createTopicsOutcome(payload: Buffer): { topic: string; errorCode: number }[] {
  const reader = new WireReader(payload, 4)
  reader.int32()
  return Array.from({ length: reader.arrayLength() }, () => {
    const topic = reader.string() ?? ''
    const errorCode = reader.int16()
    reader.string()
    return { topic, errorCode }
  })
}

/** ListOffsets v1 body: the end of every partition of the topics. */
export const listOffsetsBody = (topics: readonly string[], partitions: number): Buffer =>
  Buffer.concat([
    int32(-1),
    arrayOf(
      topics.map(topic => {
        const ends = Array.from({ length: partitions }, (_, index) =>
          Buffer.concat([int32(index), int64(-1)]),
        )
        return Buffer.concat([string(topic), arrayOf(ends)])
      }),
    ),
  ])

export interface EndOfPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly offset: number
}

/** Error code and end offset of each partition in a ListOffsets v1 answer. */
export function listOffsetsOutcome(payload: Buffer): EndOfPartition[] {
  const reader = new WireReader(payload, 4)
  const perTopic = Array.from({ length: reader.arrayLength() }, () => {
    const topic = reader.string() ?? ''
    return Array.from({ length: reader.arrayLength() }, () => {
      const partition = reader.int32()
      const errorCode = reader.int16()
      reader.int64()
      return { topic, partition, errorCode, offset: reader.int64() }
    })
  })
  return perTopic.flat()
}

/** DeleteTopics v3 body. */
export const deleteTopicsBody = (topic: string): Buffer =>
  Buffer.concat([arrayOf([string(topic)]), int32(60_000)])

/** Metadata v4 body: the topics named, not created when they are missing. */
export const metadataBody = (topics: readonly string[]): Buffer =>
  Buffer.concat([arrayOf(topics.map(string)), int8(0)])

/** Brokers that are there, and per topic the error code and the leaders of its partitions, of a Metadata v4 answer. */
export function metadataOutcome(payload: Buffer): {
  brokers: number
  topics: { topic: string; errorCode: number; leaders: number[] }[]
} {
  const reader = new WireReader(payload, 4)
  reader.int32()
  const brokers = reader.arrayLength()
  for (let index = 0; index < brokers; index++) {
    reader.int32()
    reader.string()
    reader.int32()
    reader.string()
  }
  reader.string()
  reader.int32()
  const topics = Array.from({ length: reader.arrayLength() }, () => {
    const errorCode = reader.int16()
    const topic = reader.string() ?? ''
    reader.skip(1)
    const leaders = Array.from({ length: reader.arrayLength() }, () => {
      const partitionError = reader.int16()
      reader.int32()
      const leader = reader.int32()
      reader.skip(4 * reader.arrayLength())
      reader.skip(4 * reader.arrayLength())
      return partitionError === 0 ? leader : -1
    })
    return { topic, errorCode, leaders }
  })
  return { brokers, topics }
}

export class WireReader {
  #bytes: Buffer
  #position: number

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes
    this.#position = start
  }

  skip(count: number): void {
    this.#position += count
  }

  int16(): number {
    this.#position += 2
    return this.#bytes.readInt16BE(this.#position - 2)
  }

  int32(): number {
    this.#position += 4
    return this.#bytes.readInt32BE(this.#position - 4)
  }

  int64(): number {
    this.#position += 8
    return Number(this.#bytes.readBigInt64BE(this.#position - 8))
  }

  arrayLength(): number {
    return Math.max(0, this.int32())
  }

  string(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.bytes(length).toString('utf8')
  }

  bytes(length: number): Buffer {
    this.#position += length
    return this.#bytes.subarray(this.#position - length, this.#position)
  }
}
