import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Decoded,
  decodeMessage,
  defineData,
  type Encodable,
  EncodeError,
  encodeMessage,
  type Message,
  ProtocolError,
  Reader,
  type RecordsSource,
  Writer,
  zeroUuid,
} from '../../../protocol/index.ts'
import {
  arrayOf,
  bytes,
  int16,
  int32,
  int64Big,
  records,
  string,
  struct,
  tagged,
  uuid,
} from '../../../protocol/schema/fields.ts'

const sample = defineData({
  name: 'Sample',
  versions: '1-3',
  flexible: '3+',
  fields: {
    id: int32(),
    rack: string('2+', { nullable: '3+', default: null, ignorable: true }),
    epoch: int16('2+', { default: -1 }),
    topics: arrayOf({ name: string(), ids: arrayOf(int32(), { nullable: '2+' }) }),
    leader: tagged(1, struct({ node: int32({ default: -1 }), tags: arrayOf(string()) }, '3+')),
    payload: tagged(0, bytes('3+', { nullable: '3+', default: null })),
  },
})

function encode<Kind extends Message>(message: Kind, version: number, value: Encodable<Kind>): string {
  const writer = new Writer(1)
  encodeMessage(message, version, value, writer)
  return writer.finish().toString('hex')
}

function decode<Kind extends Message>(message: Kind, version: number, hex: string): Decoded<Kind> {
  return decodeMessage(message, version, new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
}

describe('types', () => {
  test('follow from the declaration: all fields are there when read', () => {
    expectTypeOf<Decoded<typeof sample>>().toEqualTypeOf<{
      id: number
      rack: string | null
      epoch: number
      topics: { name: string; ids: number[] | null }[]
      leader: { node: number; tags: string[] }
      payload: Buffer | null
    }>()
  })

  test('let a writer leave out what has a default or is not in every version', () => {
    expectTypeOf<{ id: number; topics: [] }>().toExtend<Encodable<typeof sample>>()
    expectTypeOf<{ id: number }>().not.toExtend<Encodable<typeof sample>>()
    expectTypeOf<Decoded<typeof sample>>().toExtend<Encodable<typeof sample>>()
  })

  test('take records from memory or from where they lie', () => {
    const batch = defineData({
      name: 'Batch',
      versions: '0',
      flexible: 'none',
      fields: { records: records() },
    })
    expectTypeOf<Encodable<typeof batch>['records']>().toEqualTypeOf<Uint8Array | RecordsSource>()
    expectTypeOf<Decoded<typeof batch>['records']>().toEqualTypeOf<Buffer>()
  })
})

describe('a version', () => {
  test('carries its own fields in order and no other', () => {
    expect(encode(sample, 1, { id: 7, topics: [{ name: 'a', ids: [1] }] })).toBe(
      ['00000007', '00000001', '000161', '00000001', '00000001'].join(''),
    )
    expect(encode(sample, 2, { id: 7, rack: 'r', epoch: 2, topics: [] })).toBe('00000007000172000200000000')
  })

  test('gives fields that it lacks their defaults', () => {
    expect(decode(sample, 1, '00000007 00000000')).toEqual({
      id: 7,
      rack: null,
      epoch: -1,
      topics: [],
      leader: { node: -1, tags: [] },
      payload: null,
    })
  })

  test('drops values that may be dropped and refuses those that may not', () => {
    expect(encode(sample, 1, { id: 7, rack: 'r', topics: [] })).toBe('0000000700000000')
    expect(encode(sample, 1, { id: 7, epoch: -1, topics: [] })).toBe('0000000700000000')
    expect(() => encode(sample, 1, { id: 7, epoch: 3, topics: [] })).toThrow(
      'Sample v1 cannot be written. The field epoch has a value, but this version has no such field.',
    )
    expect(() => encode(sample, 2, { id: 7, rack: 'r', topics: [], leader: { tags: ['x'] } })).toThrow(
      EncodeError,
    )
  })

  test('has null only where it is declared', () => {
    expect(encode(sample, 2, { id: 7, rack: '', topics: [{ name: '', ids: null }] })).toBe(
      '000000070000ffff000000010000ffffffff',
    )
    expect(() => encode(sample, 1, { id: 7, topics: [{ name: '', ids: null }] })).toThrow(
      'The field ids may not be null in this version.',
    )
    expect(() => encode(sample, 2, { id: 7, topics: [] })).toThrow('The field rack may not be null')
    expect(() => decode(sample, 1, '00000007 ffffffff')).toThrow(
      'Sample v1 cannot be read. The field topics that ends at byte 8 is null, which it may not be.',
    )
  })

  test('that is not declared is neither read nor written', () => {
    expect(() => decode(sample, 4, '00')).toThrow('Sample v4 is not among the versions 1-3.')
    expect(() => decode(sample, 4, '00')).toThrow(ProtocolError)
    expect(() => encode(sample, 0, { id: 1, topics: [] })).toThrow(EncodeError)
  })
})

describe('tagged fields', () => {
  test('are left out while they have their default', () => {
    expect(encode(sample, 3, { id: 7, topics: [], leader: { tags: [] } })).toBe('0000000700ffff0100')
    expect(encode(sample, 3, { id: 7, topics: [], leader: { node: -1, tags: [] }, payload: null })).toBe(
      '0000000700ffff0100',
    )
  })

  test('stand in order of their tags with their sizes', () => {
    const hex = encode(sample, 3, {
      id: 7,
      topics: [],
      payload: Buffer.from('ab', 'hex'),
      leader: { node: 5, tags: [] },
    })
    expect(hex).toBe('0000000700ffff01' + '02' + '0002' + '02ab' + '0106' + '00000005' + '01' + '00')
    expect(decode(sample, 3, hex)).toMatchObject({
      payload: Buffer.from('ab', 'hex'),
      leader: { node: 5, tags: [] },
    })
  })

  test('that nobody knows are skipped; of one that comes twice the last counts', () => {
    const start = '00000007 00 ffff 01'
    expect(decode(sample, 3, `${start} 01 09 03 aabbcc`)).toMatchObject({ payload: null })
    expect(decode(sample, 3, `${start} 02 00 02 02ab 00 02 02cd`).payload?.toString('hex')).toBe('cd')
  })

  test('must use exactly the size that they claim', () => {
    expect(() => decode(sample, 3, '00000007 00 ffff 01 01 00 03 02ab00')).toThrow(
      'A tagged field should end at byte 14, but its value ends at byte 13.',
    )
  })

  test('that are null structs are marked with 0, outside the section with -1', () => {
    const inner = struct({ id: int32() }, { nullable: '0+' })
    const message = defineData({
      name: 'Nulls',
      versions: '0',
      flexible: '0+',
      fields: { plain: inner, inTag: tagged(0, inner) },
    })
    expect(encode(message, 0, { plain: null, inTag: null })).toBe('ff01000100')
    expect(decode(message, 0, 'ff01000100')).toEqual({ plain: null, inTag: null })
    const both = encode(message, 0, { plain: { id: 1 }, inTag: { id: 2 } })
    expect(both).toBe('01000000010001000601' + '0000000200')
    expect(decode(message, 0, both)).toEqual({ plain: { id: 1 }, inTag: { id: 2 } })
  })
})

test('bytes after a message are left to whoever knows what they are', () => {
  const reader = new Reader(Buffer.from('0000000700000000ff', 'hex'))
  decodeMessage(sample, 1, reader)
  expect(reader.remaining).toBe(1)
})

test('defaults of numbers, ids and bytes are those of their type', () => {
  const message = defineData({
    name: 'Defaults',
    versions: '0-1',
    flexible: 'none',
    fields: {
      always: int16(),
      hash: int64Big('1'),
      id: uuid('1'),
      text: string('1'),
      blob: bytes('1'),
      list: arrayOf(int32(), '1'),
    },
  })
  expect(decode(message, 0, '0005')).toEqual({
    always: 5,
    hash: 0n,
    id: zeroUuid,
    text: '',
    blob: Buffer.alloc(0),
    list: [],
  })
})

test('default arrays are new for every message, so that one reader cannot spoil them for the next', () => {
  decode(sample, 1, '00000007 00000000').topics.push({ name: 'mine', ids: null })
  decode(sample, 1, '00000007 00000000').leader.tags.push('mine')
  expect(decode(sample, 1, '00000007 00000000')).toMatchObject({ topics: [], leader: { tags: [] } })
})
