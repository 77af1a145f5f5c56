/**
 * What clients did to a topic, and the lines in which they tell of it:
 *   i PROCESS PARTITION VALUE            sends a value, a number that nobody else ever sends
 *   o PROCESS PARTITION VALUE OFFSET     it was acknowledged; '-': the client does not tell where
 *   f PROCESS PARTITION VALUE REASON     it cannot have been written
 *   u PROCESS PARTITION VALUE REASON     nobody knows whether it was written
 *   p PROCESS PARTITION OFFSET:VALUE,…   read, in this order
 *   r PROCESS PARTITION                  a rebalance or seek: where this process goes on reading says nothing
 *   # …                                  a remark, not part of the history
 */

export type HistoryEvent =
  | {
      readonly kind: 'send'
      readonly type: 'invoke' | 'fail' | 'info'
      readonly process: number
      readonly partition: number
      readonly value: number
    }
  | {
      readonly kind: 'send'
      readonly type: 'ok'
      readonly process: number
      readonly partition: number
      readonly value: number
      /** Null: not told. */
      readonly offset: number | null
    }
  | {
      readonly kind: 'poll'
      readonly process: number
      readonly partition: number
      readonly records: readonly (readonly [offset: number, value: number])[]
    }
  | { readonly kind: 'moved'; readonly process: number; readonly partition: number }

/** Values and offsets of a test stay far below this; a checker may have an array of that length. */
const limit = 2 ** 26

const sendTypes = { i: 'invoke', f: 'fail', u: 'info' } as const

/** The event that a line tells; null for remarks. Throws at a line that nobody can have meant. */
export function parseHistoryLine(line: string): HistoryEvent | null {
  const [letter = '', ...words] = line.split(' ')
  if (letter === '#') return null
  const numbers = words.slice(0, 3).map(integerOf)
  const [process = NaN, partition = NaN, value = NaN] = numbers
  if (Number.isInteger(process) && Number.isInteger(partition)) {
    if (letter === 'r') return { kind: 'moved', process, partition }
    if (letter === 'p') {
      const records = (words[2] ?? '').split(',').map((record): [number, number] => {
        const [offset = NaN, polled = NaN] = record.split(':').map(integerOf)
        return [offset, polled]
      })
      if (records.every(([offset, polled]) => isIndex(offset) && isIndex(polled))) {
        return { kind: 'poll', process, partition, records }
      }
    }
    if (isIndex(value) && (letter === 'i' || letter === 'f' || letter === 'u')) {
      return { kind: 'send', type: sendTypes[letter], process, partition, value }
    }
    if (isIndex(value) && letter === 'o') {
      const offset = words[3] === '-' ? null : integerOf(words[3])
      if (offset === null || Number.isInteger(offset)) {
        return { kind: 'send', type: 'ok', process, partition, value, offset }
      }
    }
  }
  throw new Error(`Not a line of a history: ${line.slice(0, 200)}`)
}

function integerOf(text = ''): number {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : NaN
}

function isIndex(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < limit
}
