import { expect, test } from 'vitest'
import { RunningProcess, waitUntil } from './processes.ts'

test('a line that a killed process did not finish is not taken for a line', async () => {
  const lines: string[] = []
  const process = new RunningProcess(
    'sh',
    ['-c', 'printf "one 1\\ntwo 2\\nthree"; echo all >&2; exec sleep 60'],
    {
      onLine: line => lines.push(line),
    },
  )
  await waitUntil('it has printed all', () => process.output.includes('all') || undefined)
  process.kill('SIGKILL')
  expect(await process.ended).toBe('SIGKILL')
  expect(lines).toEqual(['one 1', 'two 2'])
})
