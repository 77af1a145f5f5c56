import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive, readRunningCluster, writeRunningCluster } from '../../cli/running-cluster.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-test-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

test('what is written is read back; nothing and nonsense are nothing', () => {
  const nothing = { pid: 0, processes: [], bootstrap: '', fingerprint: '', applied: {} }
  expect(readRunningCluster(directory)).toEqual(nothing)
  const running = {
    pid: 1,
    processes: [{ pid: 2, argument: 'broker-1.properties' }],
    bootstrap: 'a:1',
    fingerprint: 'x',
    applied: { orders: ['retention.ms'] },
  }
  writeRunningCluster(directory, running)
  expect(readRunningCluster(directory)).toEqual(running)
  writeFileSync(join(directory, 'up.json'), '{')
  expect(readRunningCluster(directory)).toEqual(nothing)
})

test('a process counts as ours only when it lives and was started so', () => {
  expect(isAlive(0, '')).toBe(false)
  expect(isAlive(2 ** 30, '')).toBe(false)
  expect(isAlive(process.pid, '')).toBe(true)
  expect(isAlive(process.pid, 'no such argument')).toBe(process.platform !== 'linux')
})
