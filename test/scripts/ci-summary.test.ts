import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = join(import.meta.dirname, '..', '..', 'scripts', 'ci-summary.mjs')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ci-summary-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function part(name: string, exitCode: number, statuses?: readonly string[], fileStatus = 'passed'): void {
  writeFileSync(join(folder, `${name}.status`), `${exitCode}\n`)
  if (statuses === undefined) return
  const assertionResults = statuses.map((status, index) => ({
    status,
    fullName: `${name} ${index}`,
    failureMessages: status === 'failed' ? ['expected 1 to be 2'] : [],
  }))
  const testResults = [{ name: join(process.cwd(), 'a.test.ts'), status: fileStatus, assertionResults }]
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ testResults }))
}

function summary() {
  const { status, stdout } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' })
  return { exit: status, lastLine: stdout.trimEnd().split('\n').at(-1), stdout }
}

test('steps count one each and tests one each', () => {
  part('check', 0)
  part('build', 0)
  part('test', 0, ['passed', 'passed'])
  part('compatibility', 0, ['passed'])
  part('kubernetes', 0, ['passed'])
  part('cluster', 0, ['passed'])
  expect(summary()).toMatchObject({ exit: 0, lastLine: '7 passed, 0 failed' })
})

test('a failed test is named with its reason, and the rest is counted all the same', () => {
  part('check', 1)
  part('test', 1, ['passed', 'failed'], 'failed')
  part('compatibility', 0, ['passed'])
  part('kubernetes', 0, ['passed'])
  part('cluster', 0, ['passed'])
  const { exit, lastLine, stdout } = summary()
  expect({ exit, lastLine }).toEqual({ exit: 1, lastLine: '4 passed, 2 failed' })
  expect(stdout).toContain('FAILED a.test.ts: test 1\n    expected 1 to be 2')
})

test('a part that broke before or beside its tests has failed', () => {
  part('test', 1)
  part('compatibility', 1, ['passed'])
  part('kubernetes', 0, ['passed'])
  part('cluster', 0, ['passed'])
  expect(summary()).toMatchObject({ exit: 1, lastLine: '3 passed, 2 failed' })
})

test('a file that does not load, and a run without tests, have failed', () => {
  part('test', 1, [], 'failed')
  part('compatibility', 0, [])
  part('kubernetes', 0, [])
  part('cluster', 0, ['passed'])
  expect(summary()).toMatchObject({ exit: 1, lastLine: '1 passed, 3 failed' })
})
