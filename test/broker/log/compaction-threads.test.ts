import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { planCleaning } from '../../../broker/log/choose-log-to-clean.ts'
import { type CleaningJob, CleaningStopped } from '../../../broker/log/cleaning-job.ts'
import { compactionThreads } from '../../../broker/log/compaction-threads.ts'
import type { Compactor } from '../../../broker/log/compactor.ts'
import { DiskError, systemDisk } from '../../../broker/log/disk.ts'
import { makeCleaningJob } from '../../../broker/log/make-cleaning-job.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { systemRandom } from '../../../runtime/random.ts'
import { contentOf, records, settle } from '../../support/a-compacted-log.ts'
import { append, logOn } from '../../support/a-log.ts'
import { until } from '../../support/until.ts'

const folders: string[] = []
const compactors: Compactor[] = []

afterEach(async () => {
  for (const compactor of compactors.splice(0)) await compactor.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A log on the real disk with `segments` closed segments in which every key stands again and again. */
async function aLogOnDisk(segments: number, batchesEach = 1) {
  const folder = mkdtempSync(join(tmpdir(), 'compaction-'))
  folders.push(folder)
  const harness = logOn(systemDisk, join(folder, 'topic-0'), { 'cleanup.policy': ['compact'] })
  for (let segment = 0; segment < segments; segment++) {
    for (let batch = 0; batch < batchesEach; batch++) append(harness, records(`a=${segment} b=${batch} c=x`))
    harness.log.roll()
  }
  await settle({ log: harness.log, turn: harness.turn })
  const { log, settings, clock } = harness
  const facts = {
    segments: log.segments,
    logStartOffset: 0,
    lastStableOffset: log.lastStableOffset,
    firstDirtyOffset: undefined,
    nowMs: clock.nowMs(),
  }
  const job = makeCleaningJob(log, planCleaning(facts, settings), {
    settings,
    memory: { mapBytes: 1024 * 1024, mapLoadFactor: 0.9, bufferBytes: 1024 },
    random: systemRandom,
    nowMs: clock.nowMs(),
  })
  return { ...harness, job }
}

function threads(): Compactor {
  const compactor = compactionThreads(systemClock)
  compactors.push(compactor)
  return compactor
}

test('a log is compacted on another thread, and that thread is used again', async () => {
  const compactor = threads()
  for (let round = 0; round < 2; round++) {
    const { log, job } = await aLogOnDisk(3)
    const running = compactor.clean(job, { onGroup: group => log.swapIn(group), bytesPerSecond: () => 1e12 })
    expect(await running.outcome).toMatchObject({ endOffset: 9, mappedKeys: 3 })
    expect(contentOf(log)).toEqual(['6:a=2', '7:b=0', '8:c=x'])
    expect(log.segments).toHaveLength(2)
    await log.close()
  }
  compactor.rest()
})

test('two logs are compacted at a time', async () => {
  const compactor = threads()
  const logs = await Promise.all([aLogOnDisk(2), aLogOnDisk(2)])
  const outcomes = logs.map(({ log, job }) =>
    compactor.clean(job, { onGroup: group => log.swapIn(group), bytesPerSecond: () => 1e12 }),
  )
  for (const { outcome } of outcomes) expect(await outcome).toMatchObject({ endOffset: 6 })
  for (const { log } of logs) expect(contentOf(log)).toEqual(['3:a=1', '4:b=0', '5:c=x'])
})

test('a thread that waits for its limit hears that it is to stop', async () => {
  const { log, job } = await aLogOnDisk(2, 4000)
  let asked = 0
  const running = threads().clean(job, {
    onGroup: () => expect.unreachable('Nothing can be ready so soon.'),
    bytesPerSecond: () => {
      asked++
      return 1000
    },
  })
  await until(() => asked > 0, 'the thread to be told its limit')
  running.stop()
  await expect(running.outcome).rejects.toThrow(CleaningStopped)
  expect(contentOf(log)).toHaveLength(24_000)
  expect(systemDisk.readDirectory(log.directory).filter(({ name }) => name.includes('cleaned'))).toEqual([])
})

test('what the disk says comes back as the disk said it', async () => {
  const { job } = await aLogOnDisk(1)
  const lost: CleaningJob = { ...job, directory: '/nowhere/at/all' }
  const failure = await threads()
    .clean(lost, { onGroup: () => undefined, bytesPerSecond: () => 1e12 })
    .outcome.catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(DiskError)
  expect(failure).toMatchObject({ code: 'ENOENT' })
})

test('a cleaning whose thread is ended is told so', async () => {
  const { job } = await aLogOnDisk(2, 4000)
  const compactor = threads()
  const running = compactor.clean(job, { onGroup: () => undefined, bytesPerSecond: () => 1000 })
  const outcome = running.outcome.catch((error: unknown) => error)
  await compactor.close()
  expect(await outcome).toMatchObject({ message: expect.stringContaining('ended before its work was done') })
})
