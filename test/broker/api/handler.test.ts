import { expect, test } from 'vitest'
import { apiHandlers, handler, LateAnswer } from '../../../broker/api/handler.ts'
import { saslAuthenticate } from '../../../protocol/index.ts'

test('a late answer tells its listener once, whether it settles before or after', () => {
  for (const settleFirst of [true, false]) {
    const late = new LateAnswer<number>()
    const told: unknown[] = []
    const listener = {
      answered: (answer: number) => void told.push(answer),
      failed: (error: unknown) => void told.push(error),
    }
    if (settleFirst) late.answer(1)
    late.onSettled(listener)
    late.answer(1)
    late.answer(2)
    late.fail(new Error('too late'))
    expect(told).toEqual([1])
    expect(late.settled).toBe(true)
  }
})

test('a late answer can fail', () => {
  const late = new LateAnswer<number>()
  const told: unknown[] = []
  late.onSettled({ answered: () => undefined, failed: error => void told.push(error) })
  late.fail('broken')
  expect(told).toEqual(['broken'])
})

test('an API has one handler', () => {
  const one = handler(saslAuthenticate, {}, () => new Promise(() => undefined))
  expect(apiHandlers([one]).get(36)).toBe(one)
  expect(() => apiHandlers([one, one])).toThrow('Two handlers')
})
