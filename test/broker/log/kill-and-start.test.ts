import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemDisk } from '../../../broker/log/disk.ts'
import { ForeignDirectory } from '../../../broker/log/prepare-directory.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { openLogs } from '../../support/broker-logs.ts'

// Real files, a real process that is killed, real recovery threads.

let root: string
let child: ChildProcess | undefined

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kill-and-start-'))
})

afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(root, { recursive: true })
})

/** Appends to three logs until it is killed; prints a number for each round that is in the files. */
const appender = `
  import { openLogs } from './test/support/broker-logs.ts'
  import { aBatch } from './test/support/a-log.ts'
  import { systemDisk } from './broker/log/disk.ts'
  import { systemClock } from './runtime/clock.ts'
  const { logs, create, append } = await openLogs({
    settings: { 'log.dirs': [process.argv[1]] },
    topic: { 'segment.bytes': 20_000 },
    options: { disk: systemDisk, clock: systemClock, recoverer: undefined },
  })
  const replicas = [0, 1, 2].map(partition => create('t', partition))
  for (let round = 1; ; round++) {
    for (const log of replicas) append(log, 1)
    process.stdout.write(round + '\\n')
    await new Promise(resolve => setImmediate(resolve))
  }
`

const openHere = () =>
  openLogs({
    settings: { 'log.dirs': [root] },
    options: { disk: systemDisk, clock: systemClock, recoverer: undefined },
  })

/** Starts the appender; answers the last round that it had told when it was killed. */
async function appendUntilKilled(
  rounds: number,
  whileItLives: () => Promise<void> = async () => {},
): Promise<number> {
  child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', appender, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  let told = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    told = Number(line)
    if (told !== rounds) continue
    await whileItLives()
    child.kill('SIGKILL')
  }
  await exit
  return told
}

test('after kill -9 every record that was acknowledged is there, and the directory can be taken at once', async () => {
  const told = await appendUntilKilled(300)
  expect(existsSync(join(root, '.kafka_cleanshutdown'))).toBe(false)
  const { logs, append } = await openHere()
  for (let partition = 0; partition < 3; partition++) {
    const log = logs.get('t', partition)!
    expect(log.logEndOffset).toBeGreaterThanOrEqual(told)
    expect(log.segments.length).toBeGreaterThan(1)
    append(log, 1)
  }
  await logs.close()
  expect(existsSync(join(root, '.kafka_cleanshutdown'))).toBe(true)
  const again = await openHere()
  expect(again.lines).toEqual([])
  expect(again.logs.get('t', 0)!.logEndOffset).toBe(logs.get('t', 0)!.logEndOffset)
  await again.logs.close()
}, 60_000)

test('while it lives nobody else gets the directory', async () => {
  await appendUntilKilled(3, async () => {
    await expect(openHere()).rejects.toThrow(ForeignDirectory)
  })
}, 60_000)

test('a torn end of a real file is cut off, and a folder behind a symbolic link is a replica like others', async () => {
  await appendUntilKilled(50)
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  try {
    systemDisk.rename(join(root, 't-1'), join(elsewhere, 't-1'))
    symlinkSync(join(elsewhere, 't-1'), join(root, 't-1'))
    symlinkSync(join(root, 'nothing'), join(root, 't-7'))
    const active = readdirSync(join(root, 't-0'))
      .filter(name => name.endsWith('.log'))
      .sort()
      .at(-1)!
    truncateSync(join(root, 't-0', active), 700)
    const { logs, lines } = await openHere()
    expect(logs.get('t', 0)!.logEndOffset).toBeGreaterThan(0)
    expect(logs.get('t', 1)!.logEndOffset).toBeGreaterThanOrEqual(50)
    expect(logs.get('t', 7)).toBeUndefined()
    expect(
      lines.some(
        ({ topic, partition, problem }) => topic === 't' && partition === 0 && problem !== undefined,
      ),
    ).toBe(true)
    await logs.close()
  } finally {
    rmSync(elsewhere, { recursive: true })
  }
}, 60_000)
