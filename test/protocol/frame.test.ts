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
