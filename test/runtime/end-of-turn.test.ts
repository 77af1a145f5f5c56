import { expect, test } from 'vitest'
import { EndOfTurn } from '../../runtime/end-of-turn.ts'

test('all writes of a turn come before its sends, also those that a write asks for', () => {
  const turns: (() => void)[] = []
  const turn = new EndOfTurn(run => turns.push(run))
  const done: string[] = []
  turn.send(() => done.push('send 1'))
  turn.write(() => {
    done.push('write 1')
    turn.write(() => done.push('write 2'))
    turn.send(() => done.push('send 2'))
  })
  expect(turns).toHaveLength(1)
  turns[0]!()
  expect(done).toEqual(['write 1', 'write 2', 'send 1', 'send 2'])
})

test('a turn is scheduled once however much is queued, and again after it ran', () => {
  const turns: (() => void)[] = []
  const turn = new EndOfTurn(run => turns.push(run))
  turn.write(() => undefined)
  turn.write(() => undefined)
  expect(turns).toHaveLength(1)
  turns[0]!()
  turn.send(() => undefined)
  expect(turns).toHaveLength(2)
})
