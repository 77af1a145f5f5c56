import { describe, expect, test } from 'vitest'
import {
  apiVersions,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  metadata,
  ProtocolError,
  Reader,
  saslHandshake,
  Writer,
} from '../../../protocol/index.ts'

function readerOf(hex: string): Reader {
  return new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function written(write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return writer.finish().toString('hex')
}

describe('a request header', () => {
  test('has tagged fields exactly when the version is flexible, and never a compact client id', () => {
    const header = { correlationId: 5, clientId: 'me' }
    expect(written(writer => encodeRequestHeader(metadata, { ...header, apiVersion: 8 }, writer))).toBe(
      '000300080000000500026d65',
    )
    expect(written(writer => encodeRequestHeader(metadata, { ...header, apiVersion: 9 }, writer))).toBe(
      '000300090000000500026d6500',
    )
    const flexible = readerOf('0003 0009 00000005 0002 6d65 01 03 02 aaaa ff')
    expect(decodeRequestHeader(flexible)).toEqual({
      apiKey: 3,
      apiVersion: 9,
      correlationId: 5,
      clientId: 'me',
    })
    expect(flexible.remaining).toBe(1)
    const plain = readerOf('0003 0008 00000005 ffff ff')
    expect(decodeRequestHeader(plain)).toEqual({ apiKey: 3, apiVersion: 8, correlationId: 5, clientId: null })
    expect(plain.remaining).toBe(1)
  })

  test('of a version above what we know is read as flexible, so that ApiVersions can refuse it', () => {
    const reader = readerOf('0012 0063 00000001 0000 00 ff')
    expect(decodeRequestHeader(reader)).toEqual({
      apiKey: 18,
      apiVersion: 99,
      correlationId: 1,
      clientId: '',
    })
    expect(reader.remaining).toBe(1)
  })

  test('of an API that never is flexible or is unknown has no tagged fields', () => {
    const never = readerOf('0011 0001 00000001 ffff 00')
    decodeRequestHeader(never)
    expect(never.remaining).toBe(1)
    expect(saslHandshake.key).toBe(0x11)
    expect(decodeRequestHeader(readerOf('03e7 0001 00000001 ffff')).apiKey).toBe(999)
  })

  test('that is cut short is refused in words', () => {
    expect(() => decodeRequestHeader(readerOf('0003 00'))).toThrow(
      "A request's header cannot be read. 2 bytes are needed at byte 2, but 1 are left.",
    )
    expect(() => decodeRequestHeader(readerOf(''))).toThrow(ProtocolError)
  })
})

describe('a response header', () => {
  test('has tagged fields exactly when the version is flexible', () => {
    expect(written(writer => encodeResponseHeader(metadata, 8, 5, writer))).toBe('00000005')
    expect(written(writer => encodeResponseHeader(metadata, 9, 5, writer))).toBe('0000000500')
    const reader = readerOf('00000005 01 00 01 aa ff')
    expect(decodeResponseHeader(metadata, 9, reader)).toBe(5)
    expect(reader.remaining).toBe(1)
  })

  test('of ApiVersions never is flexible', () => {
    expect(written(writer => encodeResponseHeader(apiVersions, 4, 5, writer))).toBe('00000005')
    const reader = readerOf('00000005 00')
    expect(decodeResponseHeader(apiVersions, 4, reader)).toBe(5)
    expect(reader.remaining).toBe(1)
  })
})
