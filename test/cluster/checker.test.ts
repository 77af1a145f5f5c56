import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnomalyKind, HistoryChecker, type Verdict, describeVerdict } from './checker.ts'
import { parseHistoryLine } from './history.ts'

/** Sends of process 1 to partition 0, acknowledged one after the other from offset 0. */
const good = `
  i 1 0 10
  i 1 0 11
  o 1 0 10 0
  o 1 0 11 1
  i 1 0 12
  o 1 0 12 2
  p 9 0 0:10,1:11
  p 9 0 2:12`

interface Case {
  readonly name: string
  readonly history: string
  readonly expected: readonly AnomalyKind[]
}

const cases: readonly Case[] = [
  { name: 'a history in which all is well', history: good, expected: [] },
  {
    name: 'a send of unknown outcome that was written, and one that was not',
    history: `${good}\n i 1 0 13\n u 1 0 13 timeout\n i 1 0 14\n u 1 0 14 timeout\n p 9 0 3:13`,
    expected: [],
  },
  {
    name: 'a send that failed for certain and was never seen',
    history: `${good}\n i 1 0 13\n f 1 0 13 too large`,
    expected: [],
  },
  {
    name: 'a reader that is told of a value before its sender tells that it sends it',
    history: 'p 9 0 0:5\n i 1 0 5\n o 1 0 5 0',
    expected: [],
  },
  {
    name: 'a reader that passes offsets at which nobody ever saw anything',
    history: 'i 1 0 1\n o 1 0 1 0\n i 1 0 2\n o 1 0 2 5\n p 9 0 0:1,5:2',
    expected: [],
  },
  {
    name: 'an acknowledgement without an offset',
    history: 'i 1 0 1\n o 1 0 1 -\n p 9 0 0:1',
    expected: [],
  },
  {
    name: 'a process that begins again after a rebalance',
    history: `${good}\n r 9 0\n p 9 0 0:10,1:11,2:12`,
    expected: [],
  },
  {
    name: 'two readers that see different values at one offset',
    history: `${good}\n p 8 0 0:10,1:12`,
    expected: ['inconsistent-offset', 'duplicate'],
  },
  {
    name: 'an acknowledgement with an offset at which another value is read',
    history: 'i 1 0 1\n i 2 0 2\n o 1 0 1 0\n o 2 0 2 0\n p 9 0 0:1',
    expected: ['inconsistent-offset', 'lost-write'],
  },
  {
    name: 'a value that stands twice in the log',
    history: `${good}\n p 9 0 3:12`,
    expected: ['duplicate'],
  },
  {
    name: 'a value in another partition than it was sent to',
    history: `${good}\n i 1 0 13\n o 1 0 13 -\n p 9 1 0:13`,
    expected: ['wrong-partition'],
  },
  {
    name: 'an acknowledged value that was passed',
    history: 'i 1 0 1\n i 1 0 2\n o 1 0 1 0\n o 1 0 2 1\n p 9 0 1:2',
    expected: ['lost-write'],
  },
  {
    name: 'an acknowledged value at the end that nobody read',
    history: `${good}\n i 1 0 13\n o 1 0 13 3`,
    expected: ['unseen'],
  },
  {
    name: 'a value acknowledged without an offset that nobody read',
    history: `${good}\n i 1 0 13\n o 1 0 13 -`,
    expected: ['unseen'],
  },
  {
    name: 'a value that was read though its send failed for certain',
    history: `${good}\n i 1 0 13\n f 1 0 13 too large\n p 9 0 3:13`,
    expected: ['aborted-read'],
  },
  {
    name: 'a value that nobody sent',
    history: `${good}\n p 9 0 3:77`,
    expected: ['unwritten-read'],
  },
  {
    name: 'an acknowledgement with offset -1',
    history: 'i 1 0 1\n o 1 0 1 -1\n p 9 0 0:1',
    expected: ['spurious-offset'],
  },
  {
    name: 'a later send that came to stand before an earlier one',
    history: 'i 1 0 1\n i 1 0 2\n o 1 0 2 0\n o 1 0 1 1\n p 9 0 0:2,1:1',
    expected: ['nonmonotonic-send'],
  },
  {
    name: 'sends without offsets whose order reading shows',
    history: 'i 1 0 1\n i 1 0 2\n o 1 0 1 -\n o 1 0 2 -\n p 9 0 0:2,1:1',
    expected: ['nonmonotonic-send'],
  },
  {
    name: 'a reader that goes back without having moved',
    history: `${good}\n p 9 0 1:11`,
    expected: ['nonmonotonic-poll'],
  },
  {
    name: 'a reader that goes past a record between two polls',
    history: `${good}\n p 8 0 0:10\n p 8 0 2:12`,
    expected: ['poll-skip'],
  },
  {
    name: 'a reader that goes back inside one poll',
    history: `${good}\n p 8 0 0:10,2:12,1:11`,
    expected: ['internal-nonmonotonic-poll', 'internal-poll-skip'],
  },
  {
    name: 'a reader that goes past a record that only a later reader sees',
    history: `i 1 0 1\n o 1 0 1 0\n i 1 0 2\n u 1 0 2 late\n i 1 0 3\n o 1 0 3 2\n p 8 0 0:1,2:3\n p 9 0 0:1,1:2,2:3`,
    expected: ['internal-poll-skip'],
  },
]

describe('the checker', () => {
  it.each(cases)('judges $name', ({ history, expected }) => {
    expect(kinds(judge(lines(history)))).toEqual([...expected].sort())
  })

  it('counts what was sent, acknowledged, failed and unknown', () => {
    const verdict = judge(lines(`${good}\n i 1 0 13\n u 1 0 13 late\n i 1 0 14\n f 1 0 14 no\n i 1 0 15`))
    expect(verdict).toMatchObject({ sent: 6, acknowledged: 3, failed: 1, unknown: 2, read: 3 })
    expect(describeVerdict(verdict)).toBe(
      '6 sent, 3 acknowledged, 1 failed, 2 unknown, 0 sent anew in another producer epoch; ' +
        '3 read by all readers together; no anomaly',
    )
  })

  it.each([
    { outcome: 'u 1 0 15 late', sentAnew: 1, duplicates: 1 },
    { outcome: 'o 1 0 15 9', sentAnew: 0, duplicates: 2 },
  ])('takes a value in two producer epochs for no anomaly only where its client gave up ($outcome)', one => {
    const history = lines(`
      i 1 0 13
      i 1 0 14
      i 1 0 15
      ${one.outcome}
      p 9 0 0:13,1:14,2:13,3:14,9:15`)
    const asked: string[] = []
    const checker = new HistoryChecker((partition, first, other) => {
      asked.push(`${partition}: ${first} ${other}`)
      return first === 0
    })
    for (const line of history) checker.add(parseHistoryLine(line)!)
    const verdict = checker.finish()
    expect(asked).toEqual(['0: 0 2', '0: 1 3'])
    expect(verdict.sentAnew).toBe(one.sentAnew)
    expect(verdict.anomalies).toMatchObject([{ kind: 'duplicate', count: one.duplicates }])
  })

  it('tells each anomaly in words with its first examples', () => {
    const words = describeVerdict(judge(lines(`${good}\n i 1 0 13\n o 1 0 13 3`)))
    expect(words).toContain('unseen')
    expect(words).toContain('13 in partition 0, acknowledged at 3')
  })

  it('finds nothing in a good history, in whatever order processes are heard', () => {
    fc.assert(
      fc.property(aGoodHistory, history => {
        expect(kinds(judge(history))).toEqual([])
      }),
    )
  })

  it.each(['drop', 'swap', 'repeat', 'replace'] as const)(
    'notices when what one reader read is changed: %s',
    change => {
      fc.assert(
        fc.property(aGoodHistory, fc.nat(), (history, seed) => {
          const polls = history.flatMap((line, index) => (line.startsWith('p') ? [index] : []))
          const at = polls[seed % polls.length] ?? 0
          const changed = history.with(at, mutate(history[at] ?? '', change))
          expect(kinds(judge(changed))).not.toEqual([])
        }),
      )
    },
  )
})

/**
 * Two writers to two partitions, each value acknowledged with its place, read whole by one reader in polls of three; the
 * lines of reader and writers come in one of many orders.
 */
const aGoodHistory = fc
  .record({ values: fc.integer({ min: 6, max: 30 }), readerFirst: fc.boolean(), salt: fc.nat(1_000) })
  .map(({ values, readerFirst, salt }) => {
    const logs: number[][] = [[], []]
    const writing: string[] = []
    for (let value = 0; value < values; value++) {
      const partition = value < 4 ? value % 2 : (value * 7 + salt) % 2
      const process = 1 + (((value + salt) * 13) % 2)
      const log = logs[partition] ?? []
      writing.push(`i ${process} ${partition} ${value}`, `o ${process} ${partition} ${value} ${log.length}`)
      log.push(value)
    }
    const reading = logs.flatMap((log, partition) => {
      const polls = Array.from({ length: Math.ceil(log.length / 3) }, (_, index) => 3 * index)
      return polls.map(first => {
        const records = log.slice(first, first + 3).map((value, index) => `${first + index}:${value}`)
        return `p 9 ${partition} ${records.join(',')}`
      })
    })
    return readerFirst ? [...reading, ...writing] : [...writing, ...reading]
  })

/** The poll with one record dropped, two swapped, one repeated at the next place, or one replaced by a value of nobody. */
function mutate(line: string, change: 'drop' | 'swap' | 'repeat' | 'replace'): string {
  const [letter, process, partition, text = ''] = line.split(' ')
  const records = text.split(',').map(record => record.split(':').map(Number) as [number, number])
  const [first = [0, 0], second] = records
  const changed: [number, number][] = {
    drop: records.length === 1 ? [[first[0], 999] as [number, number]] : records.slice(0, -1),
    swap: second === undefined ? [[first[0] + 1, first[1]] as [number, number]] : [second, first],
    repeat: [...records, [(records.at(-1)?.[0] ?? 0) + 1, first[1]] as [number, number]],
    replace: [[first[0], 999] as [number, number], ...records.slice(1)],
  }[change]
  const words = changed.map(([offset, value]) => `${offset}:${value}`)
  return `${letter} ${process} ${partition} ${words.join(',')}`
}

function lines(history: string): string[] {
  return history
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
}

function judge(history: readonly string[]): Verdict {
  const checker = new HistoryChecker()
  for (const line of history) {
    const event = parseHistoryLine(line)
    if (event !== null) checker.add(event)
  }
  return checker.finish()
}

function kinds({ anomalies }: Verdict): AnomalyKind[] {
  return anomalies.map(({ kind }) => kind).sort()
}
