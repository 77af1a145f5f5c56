import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReceiveBuffer } from '../../../client/connection/receive-buffer.ts'

function frame(body: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeInt32BE(body.length)
  body.copy(bytes, 4)
  return bytes
}

/** As a socket does: as much as fits into the space, at most `chunk` bytes each time. Frames are copied when they come. */
function pour(buffer: ReceiveBuffer, bytes: Buffer, chunk: number): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = buffer.space()
    const length = Math.min(space.length, chunk, bytes.length - at)
    expect(length).toBeGreaterThan(0)
    bytes.copy(space, 0, at, at + length)
    at += length
    buffer.received(length, (from, start, end) => frames.push(Buffer.from(from.subarray(start, end))))
  }
  return frames
}

test('frames come out whole, however their bytes came in', () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 60_000, max: 200_000 })), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 100_000 }), (lengths, chunk) => {
      const bodies = lengths.map((length, index) => Buffer.alloc(length, index + 1))
      const frames = pour(new ReceiveBuffer(1_000_000), Buffer.concat(bodies.map(frame)), Math.max(chunk, 50))
      expect(frames.map(({ length }) => length)).toEqual(lengths)
      for (const [index, body] of bodies.entries()) expect(frames[index]?.equals(body)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('a large frame is read into one piece of memory, with room for all of it at once', () => {
  const buffer = new ReceiveBuffer(10_000_000)
  const body = Buffer.alloc(5_000_000, 7)
  pour(buffer, frame(body).subarray(0, 1000), 1000)
  expect(buffer.space().length).toBeGreaterThanOrEqual(body.length + 4 - 1000)
})

test('what was given out is not written over in the same turn, not even by the beginning of the next frame', () => {
  const buffer = new ReceiveBuffer(1_000_000)
  const first = frame(Buffer.alloc(65_000, 1))
  const next = frame(Buffer.alloc(65_000, 2))
  const bytes = Buffer.concat([first, next.subarray(0, 500)])
  let view: Buffer | undefined
  bytes.copy(buffer.space())
  buffer.received(bytes.length, (from, start, end) => {
    view = from.subarray(start, end)
  })
  buffer.space()
  expect(view?.every(byte => byte === 1)).toBe(true)
})

test('a size that is not allowed is refused before any room is made for it', () => {
  const buffer = new ReceiveBuffer(100)
  frame(Buffer.alloc(0)).copy(buffer.space())
  const header = Buffer.alloc(4)
  header.writeInt32BE(101)
  header.copy(buffer.space())
  expect(() => buffer.received(4, () => undefined)).toThrow(/larger than the 100/)
})

test.each([
  ['HTTP/1.1 400 Bad Request', 1213486160, 'a server of another protocol, HTTP'],
  ['\x15\x03\x03\x00\x02\x02\x28', 352518912, 'a listener with TLS'],
])('what answers %j is no broker without TLS, and the error says so', (answer, size, which) => {
  expect(() => pour(new ReceiveBuffer(104_857_600), Buffer.from(answer, 'latin1'), 100)).toThrow(
    `A frame of ${size} bytes is larger than the 104857600 that are allowed. It looks like ${which}: is the port that of the listener that was meant?`,
  )
})
