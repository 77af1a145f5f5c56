/** What a broker is sent that no client sends: a typed error or a closed connection, and others are served on. */
import { expect, test } from 'vitest'
import { residentBytes } from '../targets/broker.ts'
import { waitUntil } from '../targets/processes.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import {
  apiKeys,
  crc32c,
  int16,
  int32,
  produceBody,
  produceOutcome,
  recordBatch,
  requestFrame,
  string,
} from '../targets/wire.ts'
import { createTopic, target, useBroker } from './fixture.ts'

const broker = useBroker()

/** How long the storm at the end lasts; the long form is for people who look for leaks. */
const stormSeconds = Number(process.env['BAD_INPUT_SECONDS'] ?? 5)

const mebibyte = 1024 * 1024

const apiVersionsRequest = requestFrame(apiKeys.apiVersions, 0, 1, Buffer.alloc(0))

/** Bytes that look random and are the same in every run. */
function garbage(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed >>> 0
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

const framed = (payload: Buffer): Buffer => Buffer.concat([int32(payload.length), payload])

/** Each must make the broker close the connection, or answer; never fall silent with the connection open. */
const shapes: readonly { name: string; bytes: Buffer }[] = [
  { name: 'an HTTP request', bytes: Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n') },
  { name: 'an SSH greeting', bytes: Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n') },
  {
    name: 'a TLS client hello',
    bytes: Buffer.concat([Buffer.from('16030100f8010000f40303', 'hex'), garbage(240, 1)]),
  },
  { name: 'a frame of length -1', bytes: int32(-1) },
  { name: 'a frame of 2 GiB - 1', bytes: Buffer.concat([int32(2 ** 31 - 1), garbage(100, 2)]) },
  { name: 'a frame just above the limit', bytes: Buffer.concat([int32(104_857_601), garbage(100, 3)]) },
  { name: 'an empty frame', bytes: int32(0) },
  { name: 'a frame too short for a header', bytes: framed(Buffer.from([0, 3, 0])) },
  { name: 'a frame of garbage', bytes: framed(garbage(1_000, 4)) },
  { name: 'an unknown API', bytes: requestFrame(999, 0, 7, Buffer.alloc(8)) },
  { name: 'a negative API key', bytes: requestFrame(-5, 0, 7, Buffer.alloc(8)) },
  { name: 'an unsupported version', bytes: requestFrame(apiKeys.metadata, 99, 7, Buffer.alloc(8)) },
  {
    name: 'a client id longer than the frame',
    bytes: framed(Buffer.concat([int16(apiKeys.metadata), int16(4), int32(1), int16(30_000)])),
  },
  {
    name: 'an array of 2^31 - 1 topics',
    bytes: requestFrame(apiKeys.metadata, 4, 7, int32(2 ** 31 - 1)),
  },
  { name: 'an array of -2 topics', bytes: requestFrame(apiKeys.metadata, 4, 7, int32(-2)) },
  {
    name: 'a string of length -2',
    bytes: requestFrame(apiKeys.metadata, 4, 7, Buffer.concat([int32(1), int16(-2), Buffer.from([0])])),
  },
  {
    name: 'a body that ends early',
    bytes: requestFrame(apiKeys.produce, 7, 7, Buffer.concat([string(null), int16(1)])),
  },
  {
    name: 'a varint that never ends',
    bytes: framed(
      Buffer.concat([int16(apiKeys.metadata), int16(12), int32(7), string('x'), Buffer.alloc(64, 0xff)]),
    ),
  },
]

test.each(shapes)(
  '$name is answered or the connection closed, and others are served on',
  async ({ bytes }) => {
    const connection = await WireConnection.open(broker().port)
    const answer = connection.exchange(bytes).then(
      () => 'answered',
      () => 'closed',
    )
    expect(['answered', 'closed']).toContain(await answer)
    connection.close()
    await expectServed()
  },
)

test('an unknown version of ApiVersions is answered in version 0 with the versions that are there', async () => {
  const connection = await WireConnection.open(broker().port)
  const answer = await connection.exchange(requestFrame(apiKeys.apiVersions, 99, 4711, Buffer.alloc(20)))
  expect(answer.readInt32BE(0)).toBe(4711)
  expect(answer.readInt16BE(4)).toBe(35)
  const keys = answer.readInt32BE(6)
  expect(keys).toBeGreaterThan(0)
  expect(answer.length).toBe(10 + 6 * keys)
  connection.close()
})

test('half a frame and then silence holds nobody up', async () => {
  const slow = await WireConnection.open(broker().port)
  slow.socket.write(apiVersionsRequest.subarray(0, 9))
  await expectServed()
  for (const byte of apiVersionsRequest.subarray(9, -1)) slow.socket.write(Buffer.from([byte]))
  await expectServed()
  const answer = slow.exchange(apiVersionsRequest.subarray(-1))
  expect((await answer).readInt32BE(0)).toBe(1)
  slow.close()
})

test('answers come in the order of thousands of requests that were sent without reading', async () => {
  const connection = await WireConnection.open(broker().port)
  connection.socket.pause()
  const count = 5_000
  const answers = Array.from({ length: count }, (_, index) =>
    connection.exchange(requestFrame(apiKeys.apiVersions, 0, index, Buffer.alloc(0))),
  )
  await expectServed()
  connection.socket.resume()
  const order = (await Promise.all(answers)).map(answer => answer.readInt32BE(0))
  expect(order).toEqual(Array.from({ length: count }, (_, index) => index))
  connection.close()
})

/** A sound batch with some bytes changed; `resum` makes its checksum right again. */
function changed(change: (batch: Buffer) => void, resum = true): Buffer {
  const batch = recordBatch([{ value: Buffer.from('a') }, { value: Buffer.from('b') }], 1_700_000_000_000)
  change(batch)
  if (resum) batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

const corruptMessage = 2
const invalidTimestamp = 32
const unsupportedCompression = 76
const invalidRecord = 87

const badBatches: readonly { name: string; records: Buffer; errorCodes: readonly number[] }[] = [
  {
    name: 'with a wrong checksum',
    records: changed(b => b.writeUInt8(b.readUInt8(70) ^ 1, 70), false),
    errorCodes: [corruptMessage],
  },
  { name: 'of magic 0', records: changed(b => b.writeInt8(0, 16)), errorCodes: [invalidRecord] },
  { name: 'of magic 1', records: changed(b => b.writeInt8(1, 16)), errorCodes: [invalidRecord] },
  {
    name: 'of magic 3',
    records: changed(b => b.writeInt8(3, 16)),
    errorCodes: [corruptMessage, invalidRecord],
  },
  {
    name: 'longer than its bytes',
    records: changed(b => b.writeInt32BE(b.length, 8)),
    errorCodes: [corruptMessage, invalidRecord],
  },
  {
    name: 'shorter than its bytes',
    records: changed(b => b.writeInt32BE(20, 8)),
    errorCodes: [corruptMessage, invalidRecord],
  },
  {
    name: 'that counts more records than it has',
    records: changed(b => b.writeInt32BE(3, 57)),
    errorCodes: [invalidRecord],
  },
  { name: 'with no records', records: changed(b => b.writeInt32BE(0, 57)), errorCodes: [invalidRecord] },
  {
    name: 'whose last offset delta lies',
    records: changed(b => b.writeInt32BE(7, 23)),
    errorCodes: [invalidRecord],
  },
  {
    name: 'that says it is a control batch',
    records: changed(b => b.writeInt16BE(0x20, 21)),
    errorCodes: [invalidRecord],
  },
  {
    name: 'of compression 7',
    records: changed(b => b.writeInt16BE(7, 21)),
    errorCodes: [corruptMessage, unsupportedCompression, invalidRecord, -1],
  },
  {
    name: 'followed by another',
    records: Buffer.concat([changed(() => {}), changed(() => {})]),
    errorCodes: [invalidRecord],
  },
  { name: 'that is no batch at all', records: garbage(200, 9), errorCodes: [corruptMessage, invalidRecord] },
  {
    name: 'with a timestamp far in the future',
    records: changed(b => {
      b.writeBigInt64BE(9_000_000_000_000n, 27)
      b.writeBigInt64BE(9_000_000_000_000n, 35)
    }),
    errorCodes: [invalidTimestamp],
  },
]

test('a batch that is not sound is refused by name and leaves no trace in the log', async () => {
  await createTopic(broker(), 'unsound')
  const outcomes: Record<string, number | string> = {}
  for (const { name, records, errorCodes } of badBatches) {
    const connection = await WireConnection.open(broker().port)
    const body = produceBody('unsound', 0, records, 1)
    const outcome = await connection.request(apiKeys.produce, 7, body).then(
      answer => produceOutcome(answer).errorCode,
      () => 'closed',
    )
    connection.close()
    const expected = typeof outcome === 'number' && errorCodes.includes(outcome)
    if (!expected) outcomes[name] = outcome
  }
  expect(outcomes).toEqual({})
  const connection = await WireConnection.open(broker().port)
  const sound = await connection.request(
    apiKeys.produce,
    7,
    produceBody(
      'unsound',
      0,
      changed(() => {}),
      1,
    ),
  )
  expect(produceOutcome(sound)).toEqual({ errorCode: 0, baseOffset: 0 })
  connection.close()
})

test('names that JavaScript objects know already are ordinary names', async () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    await createTopic(broker(), name)
    const connection = await WireConnection.open(broker().port)
    const answer = await connection.request(
      apiKeys.produce,
      7,
      produceBody(
        name,
        0,
        changed(() => {}),
        1,
      ),
    )
    expect(produceOutcome(answer)).toEqual({ errorCode: 0, baseOffset: 0 })
    connection.close()
  }
})

test('a storm of bad input leaves memory flat and another client served', {
  timeout: stormSeconds * 1_000 + 120_000,
}, async () => {
  await createTopic(broker(), 'calm')
  const atFirst = residentBytes(broker().pid)
  const slowestEarly = await storm(stormSeconds / 2)
  const halfway = residentBytes(broker().pid)
  const slowestLate = await storm(stormSeconds / 2)
  const atLast = residentBytes(broker().pid)
  expect(Math.max(slowestEarly, slowestLate)).toBeLessThan(2_000)
  // The heap grows to the working size of thousands of connections a second, and then no more.
  expect(atLast - atFirst).toBeLessThan((target === 'apache-kafka' ? 400 : 256) * mebibyte)
  if (stormSeconds >= 60) expect(atLast - halfway).toBeLessThan(32 * mebibyte)
  await waitUntil('connections of the storm are gone', async () => {
    await expectServed()
    return true
  })
})

/** Attackers in a loop for `seconds`, and a client that produces all the while; returns its slowest answer. */
async function storm(seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1_000
  let seed = 1
  const attack = async (): Promise<void> => {
    while (performance.now() < end) {
      const shape = shapes[seed++ % shapes.length]?.bytes ?? Buffer.alloc(0)
      const bytes =
        seed % 3 === 0 ? Buffer.concat([apiVersionsRequest, framed(garbage(seed % 5_000, seed))]) : shape
      try {
        const connection = await WireConnection.open(broker().port)
        if (seed % 5 === 0) connection.socket.end(bytes.subarray(0, bytes.length - 1))
        else await connection.exchange(bytes).catch(() => {})
        connection.close()
      } catch {
        // refused: the broker may turn away a crowd
      }
    }
  }
  let slowestMs = 0
  const serve = async (): Promise<void> => {
    const connection = await WireConnection.open(broker().port)
    while (performance.now() < end) {
      const began = performance.now()
      const answer = await connection.request(
        apiKeys.produce,
        7,
        produceBody(
          'calm',
          0,
          changed(() => {}),
          1,
        ),
      )
      expect(produceOutcome(answer).errorCode).toBe(0)
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
    connection.close()
  }
  await Promise.all([serve(), ...Array.from({ length: 8 }, attack)])
  return slowestMs
}

async function expectServed(): Promise<void> {
  expect(broker().isRunning, broker().output.slice(-3_000)).toBe(true)
  const connection = await WireConnection.open(broker().port)
  const answer = await connection.exchange(apiVersionsRequest)
  expect(answer.readInt16BE(4)).toBe(0)
  connection.close()
}
