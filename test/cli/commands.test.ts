import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { run } from '../../cli/commands.ts'

let written = ''

beforeEach(() => {
  written = ''
  const write = (text: string | Uint8Array): boolean => {
    written += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(write)
  vi.spyOn(process.stderr, 'write').mockImplementation(write)
})

afterEach(() => {
  vi.restoreAllMocks()
})

test('help is given and is no failure', async () => {
  expect(await run(['node', 'barnabas', '--help'])).toBe(0)
  expect(written).toContain('up [options] [files...]')
})

test('what nobody understands is told', async () => {
  expect(await run(['node', 'barnabas', 'dwon'])).toBe(2)
  expect(written).toContain('dwon')
  expect(await run(['node', 'barnabas', 'up', '--port', 'x'])).toBe(2)
  expect(written).toContain('A port is a number from 1 to 65535.')
})
