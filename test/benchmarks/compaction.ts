/** Compacting 1 GB of which a tenth is the newest of its key. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerUnderTest, Target } from '../targets/broker.ts'
import { KeyedUpdates } from '../targets/keyed-updates.ts'
import { waitUntil } from '../targets/processes.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import {
  apiKeys,
  createTopicsBody,
  createTopicsOutcome,
  deleteTopicsBody,
  produceBody,
  produceOutcome,
  requestFrame,
} from '../targets/wire.ts'
import { type Bench, alternate } from './bench.ts'
import { addThroughput, measured, memoryMiB } from './figures.ts'

const valueBytes = 200
const perBatch = 500
let topics = 0

export async function benchmarkCompaction(bench: Bench): Promise<void> {
  const megabytes = bench.full ? 3_000 : 1_000
  const rounds = Math.min(2, bench.rounds)
  await alternate({ ...bench, rounds }, `compact ${megabytes} MB`, async (broker, target) => {
    const topic = `compact-${++topics}`
    const connection = await WireConnection.open(broker.port)
    await create(connection, topic)
    const bytes = await fill(connection, topic, megabytes)
    await allow(bench, broker, topic)
    let peak = 0
    const { cost } = await measured([broker.pid], process.pid, () =>
      waitUntil(
        `${topic} is compacted`,
        () => {
          peak = Math.max(peak, memoryMiB(broker.pid).rss)
          return isCompacted(broker, topic) || undefined
        },
        { deadlineMs: 600_000, everyMs: 20 },
      ),
    )
    const place = {
      section: 'Compaction',
      scenario: `${Math.round(bytes / 1e6)} MB, 200 B values, a tenth is kept`,
    }
    addThroughput(bench.figures, target, place, bytes / 1e6 / cost.seconds, bytes / 1e6, cost)
    addPeak(bench, target, place, peak)
    await connection.request(apiKeys.deleteTopics, 3, deleteTopicsBody(topic))
    connection.close()
  })
}

function addPeak(
  bench: Bench,
  target: Target,
  place: { readonly section: string; readonly scenario: string },
  peak: number,
): void {
  bench.figures.add(target, { ...place, unit: 'MiB resident at most', better: 'lower' }, peak)
}

async function create(connection: WireConnection, topic: string): Promise<void> {
  // Nothing of it may be compacted until it is full.
  const settings = {
    'cleanup.policy': 'compact',
    'segment.bytes': '100000000',
    'min.compaction.lag.ms': '86400000',
    'min.cleanable.dirty.ratio': '0.1',
  }
  const answer = await connection.request(apiKeys.createTopics, 4, createTopicsBody([topic], 1, settings))
  const errorCode = createTopicsOutcome(answer)[0]?.errorCode
  if (errorCode !== 0) throw new Error(`Creating ${topic} was refused with error code ${errorCode}.`)
}

/** Each key comes ten times. Answers how many bytes were written. */
async function fill(connection: WireConnection, topic: string, megabytes: number): Promise<number> {
  const perUpdate = valueBytes + 20
  const keys = Math.floor((megabytes * 1e5) / perUpdate / perBatch) * perBatch
  const updates = new KeyedUpdates({ keys, perBatch, valueBytes, timestampMs: Date.now() })
  let bytes = 0
  const waiting = new Set<Promise<void>>()
  for (let first = 0; first < keys * 10; first += perBatch) {
    const batch = updates.batch(first)
    bytes += batch.length
    const frame = requestFrame(apiKeys.produce, 7, 1, produceBody(topic, 0, batch, 1))
    const sent = send(connection, frame).finally(() => waiting.delete(sent))
    waiting.add(sent)
    if (waiting.size >= 20) await Promise.race(waiting)
  }
  await Promise.all(waiting)
  return bytes
}

/** Tried again where the topic was made a moment ago and is not led yet. */
async function send(connection: WireConnection, frame: Buffer): Promise<void> {
  await waitUntil('a batch is taken', async () => {
    const { errorCode } = produceOutcome(await connection.exchange(frame))
    if (errorCode === 0) return true
    if (errorCode === 3 || errorCode === 6) return undefined // unknown topic, not the leader
    throw new Error(`A batch was refused with error code ${errorCode}.`)
  })
}

async function allow(bench: Bench, broker: BrokerUnderTest, topic: string): Promise<void> {
  const of = [
    '--bootstrap-server',
    broker.bootstrapServers,
    '--entity-type',
    'topics',
    '--entity-name',
    topic,
  ]
  const altered = await bench.tools.run('kafka-configs', [
    ...of,
    '--alter',
    '--add-config',
    'min.compaction.lag.ms=0',
  ])
  if (altered.exit !== 0) throw new Error(`kafka-configs said: ${altered.stdout} ${altered.stderr}`)
}

function isCompacted(broker: BrokerUnderTest, topic: string): boolean {
  const file = join(broker.logDirectory, 'cleaner-offset-checkpoint')
  if (!existsSync(file)) return false
  const end = new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]
  const bases = readdirSync(join(broker.logDirectory, `${topic}-0`)).filter(name => name.endsWith('.log'))
  return Number(end ?? -1) >= Math.max(...bases.map(name => Number.parseInt(name, 10)))
}
