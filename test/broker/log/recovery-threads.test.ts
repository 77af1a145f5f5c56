import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UnreadableLog } from '../../../broker/log/batch-check.ts'
import { DiskError } from '../../../broker/log/disk.ts'
import { segmentFileName } from '../../../broker/log/file-names.ts'
import type { Recoverer } from '../../../broker/log/recoverer.ts'
import { recoveryThreads } from '../../../broker/log/recovery-threads.ts'
import { aBatch } from '../../support/a-log.ts'

let root: string
let threads: Recoverer

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'recovery-threads-'))
  threads = recoveryThreads(2)
})

afterEach(async () => {
  await threads.close()
  rmSync(root, { recursive: true })
})

function aDirectory(name: string, content: Buffer): string {
  const directory = join(root, name)
  mkdirSync(directory)
  writeFileSync(join(directory, segmentFileName(0, 'log')), content)
  return directory
}

const recover = (directory: string, onRead: (bytes: number) => void = () => {}) =>
  threads.recover(
    {
      directory,
      recoveryPoint: 0,
      logStartOffset: 0,
      indexIntervalBytes: 4096,
      producerExpirationMs: 86_400_000,
      nowMs: 1_700_000_000_000,
    },
    onRead,
  )

test('many logs are recovered on real files, each with its own outcome', async () => {
  const directories = Array.from({ length: 30 }, (_, index) =>
    aDirectory(
      `t-${index}`,
      Buffer.concat([
        aBatch(index + 1, { producerId: index, producerEpoch: 0, baseSequence: 0 }),
        Buffer.alloc(index),
      ]),
    ),
  )
  const outcomes = await Promise.all(directories.map(directory => recover(directory)))
  for (const [index, outcome] of outcomes.entries()) {
    expect(outcome).toMatchObject({ logEndOffset: index + 1, cutBytes: index })
    expect(outcome.producers?.producers).toMatchObject([{ producerId: index, epoch: 0 }])
  }
})

test('progress comes while a large log is read', async () => {
  const batch = aBatch(['x'.repeat(1024 * 1024)])
  const content = Buffer.concat(
    Array.from({ length: 40 }, (_, index) => {
      const copy = Buffer.from(batch)
      copy.writeBigInt64BE(BigInt(index), 0)
      return copy
    }),
  )
  let read = 0
  const outcome = await recover(aDirectory('t-0', content), bytes => (read += bytes))
  expect(outcome).toMatchObject({ logEndOffset: 40, recoveryPoint: 40, readBytes: content.length })
  expect(read).toBeGreaterThan(content.length / 2)
})

test('what fails in the thread fails here, as what it is', async () => {
  await expect(recover(join(root, 'not-there'))).rejects.toThrow(DiskError)
  const old = Buffer.alloc(40)
  old.writeInt32BE(28, 8)
  old[16] = 1
  old.writeUInt32BE(crc32(old.subarray(16)), 12)
  await expect(recover(aDirectory('old-0', old))).rejects.toThrow(UnreadableLog)
  // The thread goes on with others.
  await expect(recover(aDirectory('new-0', aBatch(2)))).resolves.toMatchObject({ logEndOffset: 2 })
})

test('a recovery that is given up is told so', async () => {
  const running = recover(aDirectory('t-0', Buffer.concat([aBatch(1)])))
  const outcome = running.then(
    () => 'done',
    (error: Error) => error.message,
  )
  await threads.close()
  expect(['done', 'A recovery thread ended before its work was done.']).toContain(await outcome)
})
