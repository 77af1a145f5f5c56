import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatOffsetCheckpoint, parseOffsetCheckpoint } from '../../../broker/log/offset-checkpoint.ts'

test('the file is as Kafka writes it', () => {
  expect(formatOffsetCheckpoint([{ topic: 'a-b', partition: 3, offset: 17 }])).toBe('0\n1\na-b 3 17\n')
  expect(parseOffsetCheckpoint('0\n2\na-b 3 17\nc 0 4\n')).toEqual(
    new Map([
      ['a-b-3', 17],
      ['c-0', 4],
    ]),
  )
  expect(parseOffsetCheckpoint('0\n0\n')).toEqual(new Map())
})

describe('a damaged file', () => {
  test.each([
    '',
    '0',
    '1\n0\n',
    '0\n2\na 3 17\n',
    '0\n1\na 3 17\nb 1 1\n',
    '0\n1\na x 17\n',
    '0\n1\na 3\n',
    '\0\0',
  ])('%j is not believed', text => {
    expect(parseOffsetCheckpoint(text)).toBeUndefined()
  })

  test('a beginning of a file is never taken for all of it', () => {
    const entry = fc.record({
      topic: fc.stringMatching(/^[a-z._-]{1,10}$/),
      partition: fc.nat(1000),
      offset: fc.nat(),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ({ topic, partition }) => `${topic}-${partition}` }),
        entries => {
          const text = formatOffsetCheckpoint(entries)
          expect(parseOffsetCheckpoint(text)?.size).toBe(entries.length)
          if (entries.length === 0) return
          const lastLine = text.lastIndexOf('\n', text.length - 2) + 1
          expect(parseOffsetCheckpoint(text.slice(0, lastLine))).toBeUndefined()
        },
      ),
    )
  })
})
