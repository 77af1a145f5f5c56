/** From the start of the process to the first acknowledged record, and the memory of a broker that has nothing to do. */
import { setTimeout as pause } from 'node:timers/promises'
import type { BrokerUnderTest } from '../targets/broker.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { waitUntil } from '../targets/processes.ts'
import { apiKeys, produceBody, produceOutcome, recordBatch } from '../targets/wire.ts'
import { type Bench, alternate, createTopics } from './bench.ts'
import { memoryMiB } from './figures.ts'

const topic = 'bench-start'

/** How long a broker has nothing to do before its memory is looked at. */
const idleMs = 2_000

/** The brokers run before and after. */
export async function benchmarkStart(bench: Bench): Promise<void> {
  for (const broker of bench.brokers.values()) {
    const connection = await WireConnection.open(broker.port)
    await createTopics(connection, [topic], 1)
    connection.close()
  }
  // One side at a time: the other must not take part of core 0 while this one starts.
  for (const broker of bench.brokers.values()) await broker.stop()
  await alternate(
    bench,
    'start',
    async (broker, target) => {
      const seconds = await startAndProduce(broker, topic)
      const place = { section: 'Start and memory', better: 'lower' } as const
      bench.figures.add(
        target,
        { ...place, scenario: 'process start to first acknowledged record', unit: 's' },
        seconds,
      )
      await pause(idleMs)
      const { rss, pss } = memoryMiB(broker.pid)
      bench.figures.add(target, { ...place, scenario: 'memory when idle, resident', unit: 'MiB' }, rss)
      bench.figures.add(target, { ...place, scenario: 'memory when idle, proportional', unit: 'MiB' }, pss)
      await broker.stop()
    },
    bench.full ? bench.rounds : Math.min(2, bench.rounds),
  )
  for (const broker of bench.brokers.values()) await broker.start()
}

/** Seconds until a record to partition 0 of `topic` is acknowledged, tried again every few milliseconds. */
export async function startAndProduce(broker: BrokerUnderTest, topic: string): Promise<number> {
  const batch = recordBatch([{ value: Buffer.from('first') }], Date.now())
  const body = produceBody(topic, 0, batch, 1)
  const began = performance.now()
  const started = broker.spawn()
  let connection: WireConnection | null = null
  await waitUntil(
    () => `a record is acknowledged; the broker said: ${started.output.slice(-2_000)}`,
    async () => {
      if (started.hasEnded) throw new Error(`The broker ended: ${started.output.slice(-2_000)}`)
      try {
        connection ??= await WireConnection.open(broker.port)
        const answer = await connection.request(apiKeys.produce, 7, body)
        return produceOutcome(answer).errorCode === 0 || undefined
      } catch {
        connection?.close()
        connection = null
        return undefined
      }
    },
    { deadlineMs: 300_000, everyMs: 5 },
  )
  const seconds = (performance.now() - began) / 1_000
  ;(connection as WireConnection | null)?.close()
  return seconds
}

export function addMemoryAfterLoad(bench: Bench): void {
  for (const [target, broker] of bench.brokers) {
    const { rss, pss } = memoryMiB(broker.pid)
    const place = { section: 'Start and memory', unit: 'MiB', better: 'lower' } as const
    bench.figures.add(target, { ...place, scenario: 'memory after the load above, resident' }, rss)
    bench.figures.add(target, { ...place, scenario: 'memory after the load above, proportional' }, pss)
  }
}
