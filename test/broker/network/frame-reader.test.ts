import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BufferPool } from '../../../broker/network/buffer-pool.ts'
import { FrameReader, type FrameSink } from '../../../broker/network/frame-reader.ts'
import { framed } from '../../support/broker-connection.ts'

class Collector implements FrameSink {
  readonly frames: string[] = []
  readonly inPlace: boolean[] = []
  closed = false
  memoryIsShort = false
  startsLeft = Number.POSITIVE_INFINITY
  chunk: Buffer | undefined
  onFrame: () => void = () => undefined

  mayStart(): boolean {
    return this.startsLeft-- > 0
  }

  frame(bytes: Buffer, start: number, end: number): void {
    this.frames.push(bytes.toString('latin1', start, end))
    this.inPlace.push(bytes === this.chunk)
    this.onFrame()
  }
}

function aReader(maxFrameBytes = 1_000_000): { pool: BufferPool; sink: Collector; reader: FrameReader } {
  const pool = new BufferPool()
  const sink = new Collector()
  return { pool, sink, reader: new FrameReader({ pool, maxFrameBytes, listenerName: 'PLAINTEXT', sink }) }
}

function frame(text: string): Buffer {
  return framed(Buffer.from(text, 'latin1'))
}

test('frames that lie whole in a chunk are handed on in place, without a buffer', () => {
  const { pool, sink, reader } = aReader()
  const chunk = Buffer.concat([frame('first frame'), frame('second frame')])
  sink.chunk = chunk
  reader.push(chunk, chunk.length)
  expect(sink.frames).toEqual(['first frame', 'second frame'])
  expect(sink.inPlace).toEqual([true, true])
  expect(pool.takenBytes).toBe(0)
})

test('only the part of a frame that is left over is copied, and its buffer goes back when it is complete', () => {
  const { pool, sink, reader } = aReader()
  const bytes = Buffer.concat([frame('first frame'), frame('second frame'), frame('third frame')])
  const cut = 20
  const head = Buffer.from(bytes.subarray(0, cut))
  const tail = Buffer.from(bytes.subarray(cut))
  reader.push(head, head.length)
  head.fill(0)
  expect(reader.heldBytes).toBe(5)
  sink.chunk = tail
  reader.push(tail, tail.length)
  expect(sink.frames).toEqual(['first frame', 'second frame', 'third frame'])
  expect(sink.inPlace).toEqual([false, false, true])
  expect(pool.takenBytes).toBe(0)
})

test('however a stream is cut and whenever frames may start, the same frames come out in the same order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 8, maxLength: 400, unit: 'binary-ascii' }), { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1 }),
      (texts, cuts, starts) => {
        const { pool, sink, reader } = aReader()
        const stream = Buffer.concat(texts.map(frame))
        const shared = Buffer.alloc(300)
        let at = 0
        for (let turn = 0; at < stream.length; turn++) {
          sink.startsLeft = starts[turn % starts.length] ?? 0
          const length = stream.copy(shared, 0, at, at + (cuts[turn % cuts.length] ?? 1))
          at += length
          reader.push(shared, length)
          shared.fill(0xee)
          if (reader.blocked) reader.resume()
        }
        sink.startsLeft = Number.POSITIVE_INFINITY
        reader.resume()
        expect(sink.frames).toEqual(texts)
        expect(reader.heldBytes).toBe(0)
        expect(pool.takenBytes).toBe(0)
      },
    ),
  )
})

test('a frame that announces much takes no more memory than a few times what has come', () => {
  const { pool, reader } = aReader(100_000_000)
  const beginning = framed(Buffer.alloc(1000), 100_000_000)
  reader.push(beginning, beginning.length)
  expect(pool.takenBytes).toBeLessThanOrEqual(16 * 1024)
  const more = Buffer.alloc(100_000)
  reader.push(more, more.length)
  expect(pool.takenBytes).toBeLessThanOrEqual(8 * 101_000)
})

test('a frame that may not start waits, with all that follows it', () => {
  const { sink, reader } = aReader()
  const chunk = Buffer.concat([frame('first frame'), frame('second frame'), frame('third frame')])
  sink.startsLeft = 1
  reader.push(chunk, chunk.length)
  expect(sink.frames).toEqual(['first frame'])
  expect(reader.blocked).toBe(true)
  sink.startsLeft = 1
  reader.resume()
  expect(sink.frames).toEqual(['first frame', 'second frame'])
  sink.startsLeft = 5
  reader.resume()
  expect(sink.frames).toHaveLength(3)
  expect(reader.blocked).toBe(false)
})

test('a close from within a frame keeps the buffer until the frame is done with it', () => {
  const { pool, sink, reader } = aReader()
  const bytes = frame('a frame in two parts')
  reader.push(bytes.subarray(0, 10), 10)
  let takenWithin = 0
  sink.onFrame = () => {
    sink.closed = true
    reader.close()
    takenWithin = pool.takenBytes
  }
  reader.push(bytes.subarray(10), bytes.length - 10)
  expect(takenWithin).toBeGreaterThan(0)
  expect(pool.takenBytes).toBe(0)
})

test.each([
  ['negative', -1, 'A frame has the size -1.'],
  ['2 GiB - 1', 2 ** 31 - 1, 'larger than the 1000000 that are allowed'],
  ['zero', 0, 'A frame of 0 bytes cannot hold a request.'],
  ['too small for a header', 7, 'A frame of 7 bytes cannot hold a request.'],
])('a frame size that is %s is refused', (_, size, sentence) => {
  const { reader } = aReader()
  const bytes = framed(Buffer.alloc(4), size)
  expect(() => reader.push(bytes, bytes.length)).toThrow(sentence)
})

test('a bad size is noticed also when it comes byte by byte', () => {
  const { pool, reader } = aReader()
  const bytes = framed(Buffer.alloc(0), -5)
  expect(() => {
    for (const byte of bytes) reader.push(Buffer.from([byte]), 1)
  }).toThrow('A frame has the size -5.')
  reader.close()
  expect(pool.takenBytes).toBe(0)
})
