import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeCoordinatorRecord,
  decodeMessage,
  decodeRequestHeader,
  encodeMessage,
  groupCoordinatorRecords,
  type Message,
  producerSnapshot,
  ProtocolError,
  Reader,
  shareCoordinatorRecords,
  transactionCoordinatorRecords,
  Writer,
} from '../../protocol/index.ts'
import { arbitraryMessage } from './arbitrary-messages.ts'

interface Spoken {
  readonly message: Message
  readonly version: number
}

const records = [...groupCoordinatorRecords, ...transactionCoordinatorRecords, ...shareCoordinatorRecords]
const messages: readonly Message[] = [
  ...[...apis.values()].flatMap(api => [api.request, api.response]),
  ...records.flatMap((record): Message[] => [record.key, record.value]),
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  producerSnapshot,
]

function versionsOf(message: Message): Spoken[] {
  const count = message.versions.max - message.versions.min + 1
  return Array.from({ length: count }, (_, index) => ({ message, version: message.versions.min + index }))
}

const spoken: readonly Spoken[] = messages.flatMap(versionsOf)
const anySpoken = fc
  .constantFrom(...spoken)
  .map(one => ({ ...one, toString: () => `${one.message.name} v${one.version}` }))
const anyValue = anySpoken.chain(one =>
  arbitraryMessage(one.message, one.version).map(value => ({ ...one, value })),
)

function encode({ message, version }: Spoken, value: Record<string, unknown>): Buffer {
  const writer = new Writer(16)
  encodeMessage(message, version, value as never, writer)
  return Buffer.from(writer.finish())
}

/** Decodes, and holds still for a ProtocolError only. */
function decodeOrRefuse({ message, version }: Spoken, bytes: Buffer): Record<string, unknown> | undefined {
  try {
    return decodeMessage(message, version, new Reader(bytes))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Array elements, strings and bytes anywhere in a value: what decoding had to make. */
function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length + value.reduce((sum: number, one) => sum + sizeOf(one), 0)
  if (Buffer.isBuffer(value) || typeof value === 'string') return value.length
  if (typeof value === 'object' && value !== null) return sizeOf(Object.values(value).filter(isLarge))
  return 0
}

function isLarge(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'string'
}

describe('every version of every message', () => {
  test('comes back from its bytes as it was, and leaves none of them over', () => {
    fc.assert(
      fc.property(anyValue, one => {
        const bytes = encode(one, one.value)
        const reader = new Reader(bytes)
        const decoded = decodeMessage(one.message, one.version, reader) as Record<string, unknown>
        expect(decoded).toMatchObject(one.value)
        expect(reader.remaining).toBe(0)
        expect(encode(one, decoded)).toEqual(bytes)
      }),
      { numRuns: 3000 },
    )
  })

  test('is refused when any of its end is missing', () => {
    fc.assert(
      fc.property(anyValue, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (one, part) => {
        const bytes = encode(one, one.value)
        fc.pre(bytes.length > 0)
        expect(decodeOrRefuse(one, bytes.subarray(0, Math.floor(bytes.length * part)))).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })

  test('is refused or read, never more, when bytes of it change', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(anyValue, changes, (one, edits) => {
        const bytes = encode(one, one.value)
        fc.pre(bytes.length > 0)
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte
        decodeOrRefuse(one, bytes)
      }),
      { numRuns: 5000 },
    )
  })

  test('makes of arbitrary bytes no more than those bytes can justify', () => {
    const bytes = fc.uint8Array({ maxLength: 400 }).map(list => Buffer.from(list))
    fc.assert(
      fc.property(anySpoken, bytes, (one, input) => {
        const decoded = decodeOrRefuse(one, input)
        // A byte that is not UTF-8 becomes one replacement character; fields that are absent cost an object each.
        if (decoded !== undefined) expect(sizeOf(decoded)).toBeLessThanOrEqual(64 * (input.length + 1))
      }),
      { numRuns: 5000 },
    )
  })

  test('reads borrowed bytes as it reads copied ones', () => {
    fc.assert(
      fc.property(anyValue, one => {
        const bytes = encode(one, one.value)
        const borrowed = decodeMessage(
          one.message,
          one.version,
          new Reader(bytes, 0, bytes.length, { borrow: true }),
        )
        expect(borrowed).toEqual(decodeMessage(one.message, one.version, new Reader(bytes)))
      }),
      { numRuns: 500 },
    )
  })
})

test('arbitrary bytes are a request header or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      try {
        decodeRequestHeader(new Reader(Buffer.from(bytes)))
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
    { numRuns: 3000 },
  )
})

test("arbitrary bytes are a coordinator's record or a ProtocolError", () => {
  const bytes = fc.uint8Array({ maxLength: 100 }).map(list => Buffer.from(list))
  const key = fc
    .tuple(fc.integer({ min: 0, max: 30 }), bytes)
    .map(([type, rest]) => Buffer.concat([Buffer.from([0, type]), rest]))
  const value = fc
    .tuple(fc.integer({ min: 0, max: 5 }), bytes)
    .map(([version, rest]) => Buffer.concat([Buffer.from([0, version]), rest]))
  fc.assert(
    fc.property(key, fc.option(value), (keyBytes, valueBytes) => {
      try {
        decodeCoordinatorRecord(records, keyBytes, valueBytes)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }),
    { numRuns: 3000 },
  )
})
