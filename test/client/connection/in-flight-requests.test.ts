import { expect, test } from 'vitest'
import { InFlightRequests } from '../../../client/connection/in-flight-requests.ts'

test('answers are taken in the order of the questions', () => {
  const requests = new InFlightRequests<string>(2)
  const first = requests.add('a')
  const second = requests.add('b')
  expect(requests.oldest()).toEqual({ correlationId: first, value: 'a' })
  expect(() => requests.settle(second)).toThrow(`an answer to request ${second}, where ${first} was due`)
  expect(requests.settle(first)).toBe('a')
  expect(requests.drain()).toEqual(['b'])
  expect(requests.oldest()).toBeUndefined()
})

test('only so many may be without an answer', () => {
  const requests = new InFlightRequests<string>(1)
  requests.add('a')
  expect(() => requests.add('b')).toThrow('There are 1 requests without an answer already.')
})
