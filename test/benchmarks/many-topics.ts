/** 1,000 topics of 10 partitions on one broker: created, written to, restarted. */
import type { BrokerUnderTest, Target } from '../targets/broker.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { apiKeys, produceBody, produceOutcome, recordBatch } from '../targets/wire.ts'
import { type Bench, createTopics } from './bench.ts'
import { cpuSeconds, memoryMiB } from './figures.ts'
import { startAndProduce } from './start.ts'

const partitions = 10
const topics = Array.from({ length: 1_000 }, (_, index) => `many-${index}`)

/** Once for each broker, the other stopped. The last part of a run: no broker runs afterwards. */
export async function benchmarkManyTopics(bench: Bench): Promise<void> {
  for (const broker of bench.brokers.values()) await broker.stop()
  for (const [target, broker] of bench.brokers) {
    process.stderr.write('1,000 topics of 10 partitions ')
    await broker.start()
    await once(bench, target, broker)
    await broker.kill() // a clean stop takes Apache Kafka a minute, and was measured
    process.stderr.write('\n')
  }
}

async function once(bench: Bench, target: Target, broker: BrokerUnderTest): Promise<void> {
  const add = (scenario: string, unit: string, sample: number): void => {
    const section = '1,000 topics of 10 partitions'
    bench.figures.add(target, { section, scenario, unit, better: 'lower' }, sample)
  }
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now()
    await work()
    process.stderr.write('.')
    return (performance.now() - began) / 1_000
  }

  let connection = await WireConnection.open(broker.port)
  add('memory before', 'MiB resident', memoryMiB(broker.pid).rss)
  const cpuBefore = cpuSeconds(broker.pid)
  const created = await seconds(async () => {
    for (let start = 0; start < topics.length; start += 50) {
      await createTopics(connection, topics.slice(start, start + 50), partitions)
    }
  })
  add('create, 50 topics a request', 's', created)
  add('create, broker CPU', 's', cpuSeconds(broker.pid) - cpuBefore)
  add('memory with 10,000 partitions', 'MiB resident', memoryMiB(broker.pid).rss)
  add('produce to all, one record each', 's', await seconds(() => produceToAll(connection, 0)))
  add('produce to all again', 's', await seconds(() => produceToAll(connection, 1)))
  add('memory after producing', 'MiB resident', memoryMiB(broker.pid).rss)
  connection.close()
  add('clean stop', 's', await seconds(() => broker.stop(180_000)))
  add('start to first acknowledged record', 's', await startAndProduce(broker, topics.at(-1) ?? ''))
  connection = await WireConnection.open(broker.port)
  add('produce to all after the restart', 's', await seconds(() => produceToAll(connection, 2)))
  add('memory after the restart', 'MiB resident', memoryMiB(broker.pid).rss)
  connection.close()
  if (!bench.full) return
  await broker.kill()
  const afterKill = await startAndProduce(broker, topics.at(-1) ?? '')
  add('start to first acknowledged record after kill -9', 's', afterKill)
}

/** One record to every partition; those that are not led yet after a restart are tried again. */
async function produceToAll(connection: WireConnection, round: number): Promise<void> {
  const batch = recordBatch([{ value: Buffer.from(`round ${round}`) }], Date.now())
  let waiting = topics.flatMap(topic =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const deadline = performance.now() + 120_000
  while (waiting.length > 0) {
    if (performance.now() > deadline) throw new Error(`${waiting.length} partitions did not take a record.`)
    const again: typeof waiting = []
    for (let start = 0; start < waiting.length; start += 100) {
      const part = waiting.slice(start, start + 100)
      const answers = await Promise.all(
        part.map(({ topic, partition }) =>
          connection.request(apiKeys.produce, 7, produceBody(topic, partition, batch, 1)),
        ),
      )
      for (const [index, answer] of answers.entries()) {
        const place = part[index]
        if (place !== undefined && produceOutcome(answer).errorCode !== 0) again.push(place)
      }
    }
    waiting = again
  }
}
