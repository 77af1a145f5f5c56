import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { awaitRevisionMethod } from '../../../broker/control/await-revision.ts'
import { describePositionsMethod } from '../../../broker/control/describe-positions.ts'
import { brokerStatusMethod } from '../../../broker/control/broker-status.ts'
import { commandMethods, controlPackage, controlService } from '../../../broker/control/control-api.ts'
import { decodeProto, encodeProto, messageOf } from '../../../broker/control/proto-codec.ts'
import {
  type AnyField,
  bool,
  error,
  field,
  type FieldTable,
  int32,
  int64,
  optional,
  type ProtoMessage,
  protoMessage,
  repeated,
  text,
  textMap,
  uuid,
  word,
} from '../../../broker/control/proto-fields.ts'
import { MalformedMessage } from '../../../broker/control/proto-reader.ts'
import { protoText } from '../../support/proto-text.ts'

const protoFile = join(import.meta.dirname, '../../../broker/control/control.proto')
const methods = [...commandMethods.values(), brokerStatusMethod, describePositionsMethod, awaitRevisionMethod]

const point = protoMessage('Point', {
  name: field(1, text),
  label: optional(2, text),
  at: field(3, int32),
  big: field(4, int64),
  isOn: field(5, bool),
  numbers: repeated(6, int32),
  labels: textMap(7),
  error: field(8, error),
  id: field(9, uuid),
  word: field(10, word('A', 'B')),
  inner: optional(11, messageOf(protoMessage('Inner', { texts: repeated(1, text) }))),
})

describe('control.proto', () => {
  test('says what the declarations say', async () => {
    await expect(
      protoText({ package: controlPackage, service: controlService, methods }),
    ).toMatchFileSnapshot(protoFile)
  })

  test.each(methods.flatMap(({ request, response }) => [request, response]).map(m => [m.name, m] as const))(
    'another implementation reads and writes %s as we do',
    (name, message) => {
      const theirs = theirCodec(name)
      fc.assert(
        fc.property(anyMessage(message), value => {
          const ours = encodeProto(message, value)
          const rewritten = theirs.encode(theirs.decode(ours))
          expect(decodeProto(message, rewritten)).toEqual(decodeProto(message, ours))
        }),
        { numRuns: 60 },
      )
    },
  )
})

describe('messages on the wire', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(anyMessage(point), value => {
        expect(decodeProto(point, encodeProto(point, value as never))).toEqual(value)
      }),
    )
  })

  test('an empty message has the defaults', () => {
    expect(decodeProto(point, Buffer.alloc(0))).toEqual({
      name: '',
      label: null,
      at: 0,
      big: 0,
      isOn: false,
      numbers: [],
      labels: new Map(),
      error: 'NONE',
      id: 'AAAAAAAAAAAAAAAAAAAAAA',
      word: 'A',
      inner: null,
    })
  })

  test('fields of a later release are passed over, of whatever kind', () => {
    const later = protoMessage('Point', {
      name: field(1, text),
      number: field(20, int64),
      text: field(21, text),
      list: repeated(22, messageOf(point)),
    })
    const bytes = encodeProto(later, {
      name: 'x',
      number: -1,
      text: 'new',
      list: [decodeProto(point, Buffer.alloc(0))],
    })
    const fixed = Buffer.from([0xbd, 0x01, 1, 2, 3, 4, 0xb9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(decodeProto(point, Buffer.concat([bytes, fixed])).name).toBe('x')
  })

  test('an error that this release does not know is an unexpected one', () => {
    expect(decodeProto(point, Buffer.from([0x40, 0xff, 0x7f])).error).toBe('UNKNOWN_SERVER_ERROR')
  })

  test('numbers one by one are read as those in one piece', () => {
    expect(decodeProto(point, Buffer.from([0x30, 1, 0x30, 2])).numbers).toEqual([1, 2])
  })

  test.each([
    ['a text that ends too early', [0x0a, 5, 0x61]],
    ['a text that is not UTF-8', [0x0a, 1, 0xff]],
    ['a number where a text should be', [0x08, 1]],
    ['a number without end', [0x18, ...Array<number>(11).fill(0xff)]],
    ['a number too large for its field', [0x18, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a number that no double holds', [0x20, ...Array<number>(8).fill(0xff), 0x7f]],
    ['an id that is none', [0x4a, 1, 0x61]],
    ['a word that is not one of them', [0x52, 1, 0x43]],
    ['a field without a number', [0x00, 1]],
    ['a group', [0x63, 0x64]],
    ['a message that ends in the middle', [0x5a, 3, 0x0a, 2, 0x61]],
    ['half a tag', [0x80]],
  ])('is refused with a sentence: %s', (_, bytes) => {
    expect(() => decodeProto(point, Buffer.from(bytes))).toThrow(MalformedMessage)
    expect(() => decodeProto(point, Buffer.from(bytes))).toThrow('Point makes no sense at byte')
  })

  test('short bytes cannot become a huge list', () => {
    const empties = protoMessage('Empties', { list: repeated(1, messageOf(protoMessage('Empty', {}))) })
    const bytes = Buffer.alloc(2 * 300_000)
    for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x0a
    expect(() => decodeProto(empties, bytes)).toThrow('more than 200000 elements')
  })

  test('no bytes make it fail in another way', () => {
    const requests = methods.map(({ request }) => request)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(requests.length - 1), (bytes, at) => {
        try {
          decodeProto(requests[at]!, Buffer.from(bytes))
        } catch (failure) {
          expect(failure).toBeInstanceOf(MalformedMessage)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

interface TheirCodec {
  decode(bytes: Buffer): object
  encode(value: object): Buffer
}

/** What @grpc/proto-loader makes of the file. */
function theirCodec(name: string): TheirCodec {
  const definition = loadSync(protoFile, { longs: String, defaults: true, oneofs: true, arrays: true })
  const service = definition[`${controlPackage}.${controlService}`] as ServiceDefinition
  for (const method of Object.values(service)) {
    const types: readonly [
      MessageTypeDefinition<object, object>,
      (bytes: Buffer) => object,
      (value: object) => Buffer,
    ][] = [
      [method.requestType, method.requestDeserialize, method.requestSerialize],
      [method.responseType, method.responseDeserialize, method.responseSerialize],
    ]
    for (const [type, decode, encode] of types) {
      if ((type.type as { name: string }).name === name) return { decode, encode }
    }
  }
  throw new Error(`control.proto has no message ${name} at the top.`)
}

/** Any value of the message, in the shape that it is decoded to. */
function anyMessage(message: ProtoMessage<FieldTable>): fc.Arbitrary<Record<string, unknown>> {
  const groups = new Map<string, string[]>()
  for (const [name, { oneOf }] of Object.entries(message.fields)) {
    if (oneOf !== undefined) groups.set(oneOf, [...(groups.get(oneOf) ?? []), name])
  }
  const fields = Object.entries(message.fields).map(([name, one]) => [name, anyField(one)] as const)
  const record = fc.record(Object.fromEntries(fields))
  if (groups.size === 0) return record
  return fc.tuple(record, fc.nat()).map(([value, chosen]) => {
    const kept = { ...value }
    for (const members of groups.values()) {
      for (const [at, name] of members.entries()) if (at !== chosen % members.length) kept[name] = null
    }
    return kept
  })
}

/** The field's value as users of the field see it: what stands on the wire, gathered. */
function anyField(one: AnyField): fc.Arbitrary<unknown> {
  const single = anyValue(one)
  switch (one.label) {
    case 'repeated':
    case 'map':
      return fc.array(single, { maxLength: 4 }).map(values => one.gather(values))
    case 'optional':
      return fc
        .option(single, { nil: undefined })
        .map(value => one.gather(value === undefined ? [] : [value]))
    case 'plain':
      return single.map(value => one.gather([value]))
  }
}

function anyValue({ type, label }: AnyField): fc.Arbitrary<unknown> {
  if (label === 'map') return fc.tuple(fc.string(), fc.string())
  if (type.message !== undefined) return anyMessage(type.message)
  if (typeof type.default === 'boolean') return fc.boolean()
  if (typeof type.default === 'number') return type.name === 'int32' ? fc.integer() : fc.maxSafeInteger()
  if (type.name === 'int32') return fc.constantFrom('NONE', 'NOT_CONTROLLER', 'REQUEST_TIMED_OUT')
  // Ids and words are texts too: their default is one that is allowed.
  return type.default === '' ? fc.string({ unit: 'grapheme' }) : fc.constant(type.default)
}
