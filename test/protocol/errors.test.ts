import { expect, test } from 'vitest'
import { errorCode, type ErrorName, errorName, errors, errorText, KafkaError } from '../../protocol/index.ts'

test('names and codes lead to each other, from -1 to 133 without a gap', () => {
  const names = Object.keys(errors) as ErrorName[]
  expect(names.map(errorCode).toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: 135 }, (_, index) => index - 1),
  )
  for (const name of names) expect(errorName(errorCode(name))).toBe(name)
})

test('codes that are not known are told as the unknown server error', () => {
  expect(errorName(134)).toBe('UNKNOWN_SERVER_ERROR')
  expect(errorName(-2)).toBe('UNKNOWN_SERVER_ERROR')
})

test('an error says whether to try again, and whether to look around first', () => {
  expect(errors.NOT_LEADER_OR_FOLLOWER).toMatchObject({ code: 6, retriable: true, needsRefresh: true })
  expect(errors.REQUEST_TIMED_OUT).toMatchObject({ code: 7, retriable: true, needsRefresh: false })
  expect(errors.PRODUCER_FENCED).toMatchObject({ code: 90, retriable: false, recoverable: true })
  expect(errors.MESSAGE_TOO_LARGE).toMatchObject({ code: 10, retriable: false, recoverable: false })
})

test('every text is a sentence', () => {
  for (const name of Object.keys(errors) as ErrorName[]) expect(errorText(name)).toMatch(/^\S.*\.$/)
})

test('as an exception it keeps its name, its text unless a better one is given, and its cause', () => {
  const plain = new KafkaError('GROUP_ID_NOT_FOUND')
  expect(plain).toMatchObject({
    error: 'GROUP_ID_NOT_FOUND',
    message: 'The group does not exist.',
    retriable: false,
  })
  const cause = new Error('socket closed')
  const told = new KafkaError('NETWORK_EXCEPTION', 'Broker 3 hung up.', { cause })
  expect(told).toMatchObject({ message: 'Broker 3 hung up.', retriable: true, cause })
})
