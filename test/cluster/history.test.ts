import { describe, expect, it } from 'vitest'
import { parseHistoryLine } from './history.ts'

describe('a line of a history', () => {
  it.each([
    ['i 3 0 17', { kind: 'send', type: 'invoke', process: 3, partition: 0, value: 17 }],
    ['o 3 0 17 42', { kind: 'send', type: 'ok', process: 3, partition: 0, value: 17, offset: 42 }],
    ['o 3 0 17 -', { kind: 'send', type: 'ok', process: 3, partition: 0, value: 17, offset: null }],
    ['f 3 0 17 too large for me', { kind: 'send', type: 'fail', process: 3, partition: 0, value: 17 }],
    ['u 3 0 17 timed out', { kind: 'send', type: 'info', process: 3, partition: 0, value: 17 }],
    [
      'p 5 1 40:15,41:16',
      {
        kind: 'poll',
        process: 5,
        partition: 1,
        records: [
          [40, 15],
          [41, 16],
        ],
      },
    ],
    ['r 5 1', { kind: 'moved', process: 5, partition: 1 }],
    ['# poll: a remark', null],
  ])('%s', (line, event) => {
    expect(parseHistoryLine(line)).toEqual(event)
  })

  it.each([
    '',
    'x 1 2 3',
    'i 1 2',
    'i 1 2 -3',
    'o 1 2 3',
    'o 1 2 3 4.5',
    'p 1 2 3',
    'p 1 2 3:',
    'p 1 2 3:99999999999',
  ])('nobody can have meant "%s"', line => {
    expect(() => parseHistoryLine(line)).toThrow('Not a line of a history')
  })
})
