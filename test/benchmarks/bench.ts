/** What every part of the benchmark works with. */
import { setTimeout as pause } from 'node:timers/promises'
import type { BrokerUnderTest, Target } from '../targets/broker.ts'
import type { JavaTools } from '../targets/java-tools.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { waitUntil } from '../targets/processes.ts'
import {
  apiKeys,
  createTopicsBody,
  createTopicsOutcome,
  deleteTopicsBody,
  listOffsetsBody,
  listOffsetsOutcome,
} from '../targets/wire.ts'
import { type Figures, alternating, machineCpuSeconds } from './figures.ts'

export interface Bench {
  readonly figures: Figures
  /** The brokers that run, pinned to core 0. */
  readonly brokers: ReadonlyMap<Target, BrokerUnderTest>
  /** Kafka's perf tools in a warm JVM, pinned to core 1 like this process. */
  readonly tools: JavaTools
  /** How often A, B, B, A is run. */
  readonly rounds: number
  readonly full: boolean
}

/** Runs `work` for each broker in turn, A, B, B, A, `rounds` times; says what is going on. */
export async function alternate(
  bench: Bench,
  what: string,
  work: (broker: BrokerUnderTest, target: Target) => Promise<void>,
  rounds = bench.rounds,
): Promise<void> {
  await alternateBetween(bench.brokers, what, work, rounds)
}

/** The same for anything there is one of on each side. */
export async function alternateBetween<Side>(
  sides: ReadonlyMap<Target, Side>,
  what: string,
  work: (side: Side, target: Target) => Promise<void>,
  rounds: number,
): Promise<void> {
  process.stderr.write(`${what} `)
  for (const [target, side] of alternating([...sides], rounds)) {
    await quietMachine()
    await work(side, target)
    process.stderr.write('.')
  }
  process.stderr.write('\n')
}

/** How long this run may still wait for other programs to be quiet, in all. */
let patienceMs = 240_000

/** Waits until both cores are almost idle: on a shared machine the noise of others is larger than what is measured. */
async function quietMachine(): Promise<void> {
  const sampleMs = 150
  for (;;) {
    const before = machineCpuSeconds()
    await pause(sampleMs)
    const busy = (machineCpuSeconds() - before) / (sampleMs / 1_000)
    if (busy < 0.35 || patienceMs <= 0) return
    patienceMs -= sampleMs
  }
}

let topics = 0

/** A new topic for one run, deleted again after it, so that no run has the files of another before it. */
export async function withTopic<T>(
  broker: BrokerUnderTest,
  partitions: number,
  work: (topic: string, connection: WireConnection) => Promise<T>,
): Promise<T> {
  const topic = `bench-${++topics}`
  const connection = await WireConnection.open(broker.port)
  try {
    await createTopics(connection, [topic], partitions)
    return await work(topic, connection)
  } finally {
    await connection.request(apiKeys.deleteTopics, 3, deleteTopicsBody(topic))
    connection.close()
  }
}

/** Creates topics and waits until all their partitions answer. */
export async function createTopics(
  connection: WireConnection,
  names: readonly string[],
  partitions: number,
): Promise<void> {
  const answer = await connection.request(apiKeys.createTopics, 4, createTopicsBody(names, partitions))
  for (const { topic, errorCode } of createTopicsOutcome(answer)) {
    if (errorCode !== 0) throw new Error(`Creating ${topic} was refused with error code ${errorCode}.`)
  }
  // Metadata tells of leaders before all of them lead; ListOffsets is answered by those that do.
  await waitUntil(
    `the partitions of ${names.length} topics are led`,
    async () => {
      const ends = listOffsetsOutcome(
        await connection.request(apiKeys.listOffsets, 1, listOffsetsBody(names, partitions)),
      )
      const led = ends.filter(({ errorCode }) => errorCode === 0)
      return led.length === names.length * partitions || undefined
    },
    { everyMs: 5 },
  )
}
