/** Reading: a Java consumer by assign(), and Fetch over a raw socket, from the page cache and from the disk. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerUnderTest } from '../targets/broker.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { run } from '../targets/processes.ts'
import {
  apiKeys,
  fetchBody,
  fetchOutcome,
  nextOffsetOf,
  produceBody,
  produceOutcome,
  recordBatch,
} from '../targets/wire.ts'
import { type Bench, alternate, createTopics } from './bench.ts'
import { addThroughput, measured } from './figures.ts'

const topic = 'bench-fetch'
const recordSize = 1024
const recordsPerBatch = 15
const megabytes = 200
const records = Math.floor((megabytes * 1e6) / recordSize / recordsPerBatch) * recordsPerBatch

export async function benchmarkFetch(bench: Bench): Promise<void> {
  for (const broker of bench.brokers.values()) await fill(broker)
  const section = 'Fetch'
  await alternate(bench, 'fetch raw, from the page cache', async (broker, target) => {
    const { cost } = await measured([broker.pid], process.pid, () => readAll(broker))
    const scenario = 'raw socket, 1 KB records, 1 MB a request, from the page cache'
    addThroughput(bench.figures, target, { section, scenario }, megabytes / cost.seconds, megabytes, cost)
  })
  await alternate(bench, 'fetch raw, from the disk', async (broker, target) => {
    await dropFromPageCache(broker)
    const { cost } = await measured([broker.pid], process.pid, () => readAll(broker))
    const scenario = 'raw socket, 1 KB records, 1 MB a request, not in the page cache'
    addThroughput(bench.figures, target, { section, scenario }, megabytes / cost.seconds, megabytes, cost)
  })
  await alternate(bench, 'fetch with the Java consumer', async (broker, target) => {
    const { result, cost } = await measured([broker.pid], bench.tools.pid, () =>
      bench.tools.run('AssignConsumer', [broker.bootstrapServers, topic, String(records)]),
    )
    const [, bytes, nanoseconds] = result.stdout.trim().split(' ').map(Number)
    if (result.exit !== 0 || bytes === undefined || nanoseconds === undefined) {
      throw new Error(`AssignConsumer said: ${result.stdout} ${result.stderr}`)
    }
    const scenario = 'Java consumer, assign(), 1 KB records, from the page cache'
    const rate = bytes / 1e6 / (nanoseconds / 1e9)
    addThroughput(bench.figures, target, { section, scenario }, rate, megabytes, cost)
  })
}

async function fill(broker: BrokerUnderTest): Promise<void> {
  const connection = await WireConnection.open(broker.port)
  await createTopics(connection, [topic], 1)
  const value = Buffer.alloc(recordSize, 'x')
  const batch = recordBatch(
    Array.from({ length: recordsPerBatch }, () => ({ value })),
    Date.now(),
  )
  const body = produceBody(topic, 0, batch, 1)
  for (let sent = 0; sent < records; sent += recordsPerBatch * 10) {
    const answers = Array.from({ length: Math.min(10, (records - sent) / recordsPerBatch) }, () =>
      connection.request(apiKeys.produce, 7, body),
    )
    for (const answer of await Promise.all(answers)) {
      const { errorCode } = produceOutcome(answer)
      if (errorCode !== 0) throw new Error(`A Produce request was refused with error code ${errorCode}.`)
    }
  }
  connection.close()
}

/** Every record once, in order: each answer begins at the offset that was asked for. */
async function readAll(broker: BrokerUnderTest): Promise<void> {
  const connection = await WireConnection.open(broker.port)
  let offset = 0
  while (offset < records) {
    const body = fetchBody(topic, 0, offset, { maxBytes: 1_048_576 })
    const answer = fetchOutcome(await connection.request(apiKeys.fetch, 11, body))
    const first = answer.records.length >= 8 ? Number(answer.records.readBigInt64BE(0)) : -1
    if (answer.errorCode !== 0 || first !== offset) {
      throw new Error(`Fetch at ${offset} answered with error code ${answer.errorCode}, offset ${first}.`)
    }
    offset = nextOffsetOf(answer.records)
  }
  connection.close()
}

/** dd asks the kernel to forget the file's pages (posix_fadvise); they must be on the disk for that. */
async function dropFromPageCache(broker: BrokerUnderTest): Promise<void> {
  const folder = join(broker.logDirectory, `${topic}-0`)
  await run('sync', ['-f', folder])
  for (const file of readdirSync(folder).filter(name => name.endsWith('.log'))) {
    await run('dd', [`if=${join(folder, file)}`, 'iflag=nocache', 'count=0', 'status=none'])
  }
}
