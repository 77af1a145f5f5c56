import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { openScreen } from '../../cli/screen.ts'

function anOutput(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, columns: 30, write: (text: string) => written.push(text) }
}

test('where nothing can be drawn in place only lines that stay are written', () => {
  const output = anOutput(false)
  const screen = openScreen(output)
  screen.print('a')
  screen.show(['block'])
  screen.clear()
  expect(output.written).toEqual(['a\n'])
})

test('on a terminal the block is drawn over itself, and only when it changed', () => {
  const output = anOutput(true)
  const screen = openScreen(output)
  screen.show(['one', 'two'])
  screen.show(['one', 'two'])
  screen.show(['one', 'three'])
  expect(output.written.map(stripVTControlCharacters)).toEqual(['one\ntwo\n', 'one\nthree\n'])
  expect(output.written[1]?.startsWith('\u001b[2A\u001b[J')).toBe(true)
})

test('a line that stays goes above the block', () => {
  const output = anOutput(true)
  const screen = openScreen(output)
  screen.show(['block'])
  screen.print('event')
  expect(stripVTControlCharacters(output.written.join(''))).toBe('block\nevent\nblock\n')
})

test('lines of the block never wrap', () => {
  const output = anOutput(true)
  openScreen(output).show(['x'.repeat(100)])
  expect(stripVTControlCharacters(output.written.join(''))).toBe(`${'x'.repeat(28)}…\n`)
})
