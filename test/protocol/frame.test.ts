import { expect, test } from 'vitest'
import { beginFrame, endFrame, frameBodyBytes, frameHeaderBytes, Writer } from '../../protocol/index.ts'

test('a frame begins with the size of what follows', () => {
  const writer = new Writer()
  writer.int8(9)
  const mark = beginFrame(writer)
  writer.int32(7)
  writer.int8(1)
  endFrame(writer, mark)
  expect(writer.finish().toString('hex')).toBe('09000000050000000701')
  expect(frameBodyBytes(writer.buffer, mark, 100)).toBe(5)
  expect(frameHeaderBytes).toBe(4)
})

test('a frame of negative size or above the limit ends the conversation', () => {
  const frame = Buffer.from('00000065', 'hex')
  expect(frameBodyBytes(frame, 0, 101)).toBe(101)
  expect(() => frameBodyBytes(frame, 0, 100)).toThrow(
    'A frame of 101 bytes is larger than the 100 that are allowed.',
  )
  expect(() => frameBodyBytes(Buffer.from('ffffffff', 'hex'), 0, 100)).toThrow('A frame has the size -1.')
})

test.each([
  [
    'GET / HTTP/1.1',
    1195725856,
    'it begins as HTTP does: the port is not one of Kafka, or who connects is no Kafka client',
  ],
  [
    'HTTP/1.1 400 Bad Request',
    1213486160,
    'it begins as HTTP does: the port is not one of Kafka, or who connects is no Kafka client',
  ],
  [
    '\x16\x03\x01\x02\x00\x01',
    369295618,
    'it begins as TLS does: one side speaks TLS and the other does not',
  ],
  [
    '\x15\x03\x03\x00\x02\x02\x28',
    352518912,
    'it begins as TLS does: one side speaks TLS and the other does not',
  ],
])('%j is told by its name', (bytes, size, why) => {
  expect(() => frameBodyBytes(Buffer.from(`..${bytes}`, 'latin1'), 2, 104_857_600)).toThrow(
    `A frame of ${size} bytes is larger than the 104857600 that are allowed; ${why}.`,
  )
})
