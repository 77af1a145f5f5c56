/** Writing: Kafka's ProducerPerformance, and prepared Produce frames replayed over a raw socket. */
import type { BrokerUnderTest } from '../targets/broker.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { apiKeys, produceBody, produceOutcome, recordBatch, requestFrame } from '../targets/wire.ts'
import { type Bench, alternate, withTopic } from './bench.ts'
import { addThroughput, measured } from './figures.ts'

interface ProducerScenario {
  readonly recordSize: number
  readonly acks: '1' | 'all'
  readonly partitions: number
  readonly compression: 'none' | 'lz4' | 'zstd'
}

const quickScenarios: readonly ProducerScenario[] = [
  { recordSize: 100, acks: '1', partitions: 1, compression: 'none' },
  { recordSize: 1024, acks: '1', partitions: 1, compression: 'none' },
  { recordSize: 1024, acks: 'all', partitions: 1, compression: 'none' },
  { recordSize: 10_240, acks: '1', partitions: 1, compression: 'none' },
  { recordSize: 1024, acks: '1', partitions: 16, compression: 'none' },
  { recordSize: 1024, acks: '1', partitions: 1, compression: 'lz4' },
  { recordSize: 1024, acks: '1', partitions: 1, compression: 'zstd' },
]

const allScenarios: readonly ProducerScenario[] = ([100, 1024, 10_240] as const).flatMap(recordSize =>
  (['1', 'all'] as const).flatMap(acks =>
    [1, 16].flatMap(partitions =>
      (['none', 'lz4', 'zstd'] as const).map(compression => ({ recordSize, acks, partitions, compression })),
    ),
  ),
)

/** Records a run, so that one takes about a second or two on either side. */
const recordsPerRun: Record<number, number> = { 100: 300_000, 1024: 80_000, 10_240: 8_000 }

export async function benchmarkProducer(
  bench: Bench,
  scenarios = bench.full ? allScenarios : quickScenarios,
): Promise<void> {
  for (const scenario of scenarios) {
    const { recordSize, acks, partitions, compression } = scenario
    const words = [`${recordSize} B`, `acks=${acks}`, `${partitions} partition${partitions === 1 ? '' : 's'}`]
    if (compression !== 'none') words.push(compression)
    const records = recordsPerRun[recordSize] ?? 100_000
    const warmup = Math.floor(records / 6)
    await alternate(bench, `produce ${words.join(', ')}`, (broker, target) =>
      withTopic(broker, partitions, async topic => {
        const load = ['--bootstrap-server', broker.bootstrapServers, '--topic', topic, '--throughput', '-1']
        load.push('--num-records', String(records), '--warmup-records', String(warmup))
        load.push('--record-size', String(recordSize))
        const settings = [`acks=${acks}`, `compression.type=${compression}`].flatMap(word => [
          '--command-property',
          word,
        ])
        const { result, cost } = await measured([broker.pid], bench.tools.pid, () =>
          bench.tools.run('kafka-producer-perf-test', [...load, ...settings]),
        )
        const steady = /^\d+ steady state records sent, ([\d.]+) records\/sec/m.exec(result.stdout)?.[1]
        if (steady === undefined)
          throw new Error(`ProducerPerformance said: ${result.stdout} ${result.stderr}`)
        const megabytesPerSecond = (Number(steady) * recordSize) / 1e6
        const place = { section: 'Produce, ProducerPerformance', scenario: words.join(', ') }
        addThroughput(bench.figures, target, place, megabytesPerSecond, (records * recordSize) / 1e6, cost)
      }),
    )
  }
}

interface ReplayScenario {
  readonly recordSize: number
  readonly recordsPerBatch: number
  readonly megabytes: number
}

/** Batches as the Java producer makes them by default (16 KB), and large ones. */
const replayScenarios: readonly ReplayScenario[] = [
  { recordSize: 100, recordsPerBatch: 150, megabytes: 100 },
  { recordSize: 1024, recordsPerBatch: 15, megabytes: 150 },
  { recordSize: 1024, recordsPerBatch: 100, megabytes: 300 },
]

export async function benchmarkReplay(bench: Bench): Promise<void> {
  for (const { recordSize, recordsPerBatch, megabytes } of replayScenarios) {
    const kilobytes = Math.round((recordSize * recordsPerBatch) / 1_000)
    const scenario = `${recordSize} B records in ${kilobytes} KB batches, acks=1`
    const requests = Math.ceil((megabytes * 1e6) / (recordSize * recordsPerBatch))
    await alternate(bench, `replay ${scenario}`, (broker, target) =>
      withTopic(broker, 1, async topic => {
        const value = Buffer.alloc(recordSize, 'x')
        const batch = recordBatch(
          Array.from({ length: recordsPerBatch }, () => ({ value })),
          Date.now(),
        )
        const { cost } = await measured([broker.pid], process.pid, () =>
          replay(broker, topic, batch, requests),
        )
        const total = (requests * recordsPerBatch * recordSize) / 1e6
        const place = { section: 'Produce, prepared frames over a raw socket', scenario }
        addThroughput(bench.figures, target, place, total / cost.seconds, total, cost)
      }),
    )
  }
}

/** Requests that are under way at once; the Java producer allows itself five per connection, several producers more. */
const underWay = 20

/** Sends the same batch `requests` times and checks every answer's error code and offset. */
async function replay(
  broker: BrokerUnderTest,
  topic: string,
  batch: Buffer,
  requests: number,
): Promise<void> {
  const connection = await WireConnection.open(broker.port)
  const frame = requestFrame(apiKeys.produce, 7, 1, produceBody(topic, 0, batch, 1))
  const records = batch.readInt32BE(57)
  let sent = 0
  let next = 0
  const lane = async (): Promise<void> => {
    while (sent < requests) {
      sent++
      const { errorCode, baseOffset } = produceOutcome(await connection.exchange(frame))
      if (errorCode !== 0) throw new Error(`A Produce request was refused with error code ${errorCode}.`)
      if (baseOffset !== next) throw new Error(`A batch got offset ${baseOffset} instead of ${next}.`)
      next += records
    }
  }
  await Promise.all(Array.from({ length: underWay }, lane))
  connection.close()
}
