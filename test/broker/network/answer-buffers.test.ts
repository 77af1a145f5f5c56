import { expect, test } from 'vitest'
import { AnswerBuffers } from '../../../broker/network/answer-buffers.ts'
import { BufferPool } from '../../../broker/network/buffer-pool.ts'

function write(answers: AnswerBuffers, bytes: number, expected = bytes): void {
  answers.writerFor(expected).raw(Buffer.alloc(bytes, 1))
  answers.written()
}

test('small answers of a turn lie in one buffer', () => {
  const answers = new AnswerBuffers(new BufferPool())
  for (let i = 0; i < 20; i++) write(answers, 100)
  expect(answers.take().map(({ bytes }) => bytes.length)).toEqual([2000])
  expect(answers.isEmpty).toBe(true)
})

test('a large answer gets a buffer of its size, between the small ones', () => {
  const pool = new BufferPool()
  const answers = new AnswerBuffers(pool)
  write(answers, 100)
  write(answers, 1_000_000)
  write(answers, 100)
  const filled = answers.take()
  expect(Buffer.concat(filled.map(({ bytes }) => bytes)).length).toBe(1_000_200)
  expect(filled.length).toBeLessThanOrEqual(3)
  for (const one of filled) answers.release(one)
  expect(pool.takenBytes).toBe(0)
})

test('an answer larger than expected leaves its pooled buffer behind', () => {
  const pool = new BufferPool()
  const answers = new AnswerBuffers(pool)
  write(answers, 100_000, 10)
  expect(pool.takenBytes).toBe(0)
  const [filled] = answers.take()
  expect(filled?.bytes.length).toBe(100_000)
  expect(filled?.pooled).toBeUndefined()
})

test('what never left is dropped at the end', () => {
  const pool = new BufferPool()
  const answers = new AnswerBuffers(pool)
  write(answers, 10)
  write(answers, 100_000)
  answers.close()
  expect(pool.takenBytes).toBe(0)
})
