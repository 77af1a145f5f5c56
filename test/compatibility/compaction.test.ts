/**
 * A compacted topic through very many updates, deletions, and kill -9 in the middle of compaction, read back by Fetch and by
 * Kafka's DumpLogSegments. COMPACTION_UPDATES says how many updates; `npm run test:compaction` has the long form.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ReadRecord, KeyedUpdates, recordsIn } from '../targets/keyed-updates.ts'
import { waitUntil } from '../targets/processes.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import {
  apiKeys,
  fetchBody,
  fetchOutcome,
  nextOffsetOf,
  produceBody,
  produceOutcome,
  recordBatch,
  requestFrame,
} from '../targets/wire.ts'
import { createTopic, useBroker, useJavaTools } from './fixture.ts'
import { dumpTopic } from './log-files.ts'

const keys = 100_000
const perBatch = 1000
const updateCount = Number(process.env['COMPACTION_UPDATES'] ?? 400_000)
const topic = 'compacted'
const hourMs = 3_600_000

const broker = useBroker({
  'log.cleaner.backoff.ms': '200',
  'log.cleaner.min.cleanable.ratio': '0.01',
  'log.initial.task.delay.ms': '0',
  // So slow that a compaction is seen to be under way.
  'log.cleaner.io.max.bytes.per.second': String(updateCount * 15),
})
const tools = useJavaTools()

/** Appends what `batches` gives, several requests under way, and answers the offset after the last record. */
async function append(batches: Iterable<Buffer>): Promise<number> {
  const connection = await WireConnection.open(broker().port)
  let end = 0
  const waiting = new Set<Promise<void>>()
  for (const batch of batches) {
    const records = batch.readInt32BE(57)
    const frame = requestFrame(apiKeys.produce, 7, 1, produceBody(topic, 0, batch, -1))
    const sent = connection.exchange(frame).then(answer => {
      const { errorCode, baseOffset } = produceOutcome(answer)
      if (errorCode !== 0) throw new Error(`A batch was refused with error code ${errorCode}.`)
      end = Math.max(end, baseOffset + records)
    })
    const noted = sent.finally(() => waiting.delete(noted))
    waiting.add(noted)
    if (waiting.size >= 10) await Promise.race(waiting)
  }
  await Promise.all(waiting)
  connection.close()
  return end
}

async function* readAll(): AsyncGenerator<ReadRecord, void, undefined> {
  const connection = await WireConnection.open(broker().port)
  for (let offset = 0; ; ) {
    const body = fetchBody(topic, 0, offset, { maxBytes: 4_000_000, maxWaitMs: 0 })
    const { errorCode, records, highWatermark } = fetchOutcome(
      await connection.request(apiKeys.fetch, 11, body),
    )
    expect(errorCode).toBe(0)
    for (const record of recordsIn(records)) if (record.offset >= offset) yield record
    offset = Math.max(offset, nextOffsetOf(records))
    if (records.length === 0 || offset >= highWatermark) break
  }
  connection.close()
}

const folder = () => join(broker().logDirectory, `${topic}-0`)

/** Up to which offset the broker says that it is compacted; 0 before the first time. */
function compactedTo(): number {
  const file = join(broker().logDirectory, 'cleaner-offset-checkpoint')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return Number(new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

function activeSegmentBase(): number {
  const bases = readdirSync(folder()).filter(file => file.endsWith('.log'))
  return Math.max(...bases.map(file => Number.parseInt(file, 10)))
}

function compacted(): Promise<unknown> {
  return waitUntil(
    () => `${topic} is compacted to its active segment at ${activeSegmentBase()}, not ${compactedTo()}`,
    () => compactedTo() >= activeSegmentBase() || undefined,
    { deadlineMs: 180_000, everyMs: 50 },
  )
}

/** kill -9 as soon as a compaction has begun to write, and a new start. */
async function killWhileCompacting(): Promise<void> {
  await waitUntil(
    'a compaction is writing',
    () => readdirSync(folder()).some(file => /\.(cleaned|swap)$/.test(file)) || undefined,
    { deadlineMs: 120_000, everyMs: 1 },
  )
  await broker().kill()
  await broker().start()
}

test(`after ${updateCount} updates each of ${keys} keys has its last value, at its own offset`, {
  timeout: 1_800_000,
}, async () => {
  await createTopic(broker(), topic, 1, {
    'cleanup.policy': 'compact',
    'segment.bytes': String(Math.max(1_048_576, Math.round(updateCount * 1.5))),
    'delete.retention.ms': String(hourMs),
  })
  const updates = new KeyedUpdates({ keys, perBatch, valueBytes: 10, timestampMs: Date.now() })
  /** The offset of the last update of each key, which is its number too. */
  const last = new Int32Array(keys).fill(-1)
  function* part(from: number, to: number): Generator<Buffer, void, undefined> {
    for (let first = from; first < to; first += perBatch) {
      for (let update = first; update < first + perBatch; update++) last[updates.keyOf(update)] = update
      yield updates.batch(first)
    }
  }
  // Killed four times: each part of the updates is being compacted when the broker ends.
  const parts = 4
  const size = updateCount / parts
  for (let index = 0; index < parts; index++) {
    expect(await append(part(index * size, (index + 1) * size))).toBe((index + 1) * size)
    await killWhileCompacting()
  }
  // Tombstones for every hundredth key, kept for an hour; then for others, with no time to be kept.
  const tombstones = (of: (key: number) => boolean): Buffer =>
    recordBatch(
      Array.from({ length: keys }, (_, key) => key)
        .filter(of)
        .map(key => ({ key: Buffer.from(updates.nameOf(key)), value: null })),
      Date.now(),
    )
  const isKept = (key: number) => key % 100 === 0
  const isDropped = (key: number) => key % 100 === 1
  await append([tombstones(isKept)])
  await rollOver()
  await compacted()
  const short = [
    '--bootstrap-server',
    broker().bootstrapServers,
    '--entity-type',
    'topics',
    '--entity-name',
    topic,
  ]
  const altered = await tools().run('kafka-configs', [
    ...short,
    '--alter',
    '--add-config',
    'delete.retention.ms=0',
  ])
  expect([altered.exit, altered.stderr]).toEqual([0, ''])
  await append([tombstones(isDropped)])
  // A first compaction says when a tombstone is due; the next drops it.
  for (let round = 0; round < 2; round++) {
    await rollOver()
    await compacted()
  }

  const end = compactedTo()
  const found = new Map<string, ReadRecord>()
  for await (const record of readAll()) {
    if (record.offset >= end) continue
    expect(found.has(record.key ?? ''), `${record.key} is there twice`).toBe(false)
    found.set(record.key ?? '', record)
  }
  const wrong: string[] = []
  for (let key = 0; key < keys; key++) {
    const record = found.get(updates.nameOf(key))
    if (isDropped(key)) {
      if (record !== undefined) wrong.push(`${key} is still there: ${JSON.stringify(record)}`)
    } else if (isKept(key)) {
      if (record?.value !== null) wrong.push(`${key} has no tombstone: ${JSON.stringify(record)}`)
    } else if (Number(record?.value) !== last[key] || record?.offset !== last[key]) {
      wrong.push(`${key} should be ${last[key]}: ${JSON.stringify(record)}`)
    }
  }
  expect(wrong.slice(0, 10)).toEqual([])

  await broker().stop()
  const dump = await dumpTopic(tools(), broker().logDirectory, topic)
  // Gaps between offsets are what compaction makes.
  expect(dump.complaints.filter(line => !line.includes('is followed by'))).toEqual([])
  await broker().start()
  let records = 0
  for await (const _ of readAll()) records++
  expect(dump.records).toBe(records)

  /** Closes the active segment: fills it with updates of a key of its own. */
  async function rollOver(): Promise<void> {
    const before = activeSegmentBase()
    const filler = recordBatch(
      [{ key: Buffer.from('filler'), value: Buffer.alloc(900_000, 'f') }],
      Date.now(),
    )
    while (activeSegmentBase() === before) await append([filler])
  }
})
