/**
 * A producer of kafkajs that tells what it does, for a checker (test/cluster/history.ts says the lines). Arguments:
 * bootstrap servers, topic, number of partitions. Commands, a line each on standard input:
 *   producer ID FIRST STEP RATE SIZE     the numbers FIRST, FIRST+STEP, … to the partitions in turn, RATE a second, each with
 *                                        SIZE bytes behind it; 0: 50
 *   stop producers, stop readers         as test/targets/java/HistoryClients.java
 */
import { createInterface } from 'node:readline'
import { setInterval, setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'

const [servers = '', topic = '', partitions = '1'] = process.argv.slice(2)
const kafka = new Kafka({ brokers: [servers], clientId: 'history', logLevel: logLevel.NOTHING })
const everyMs = 20
const connectAgainMs = 500
const producing = new AbortController()
const producers: Promise<void>[] = []

for await (const line of createInterface({ input: process.stdin })) {
  const [command, who, ...numbers] = line.split(' ')
  if (command === 'producer') producers.push(produce([Number(who), ...numbers.map(Number)]))
  else if (who === 'producers') {
    producing.abort()
    await Promise.all(producers)
    console.log('stopped producers')
  } else console.log('stopped readers')
}

/** With a producer id of its own. Resolves when it is connected or nothing is to be produced any more. */
async function newProducer(): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  while (!producing.signal.aborted) {
    try {
      await producer.connect()
      break
    } catch (error) {
      console.error(`The producer does not connect and tries again: ${String(error)}`)
      await sleep(connectAgainMs)
    }
  }
  return producer
}

/** One batch at a time, of what is due: kafkajs keeps order in no other way. */
async function produce([id = 0, first = 0, step = 1, rate = 1, size = 0]: readonly number[]): Promise<void> {
  let producer = await newProducer()
  let value = first
  let turn = 0
  let dueMs = performance.now()
  for await (const _ of setInterval(everyMs)) {
    if (producing.signal.aborted) break
    const nowMs = performance.now()
    // After an outage the rate is not caught up with: that would be a storm.
    dueMs = Math.max(dueMs, nowMs - 100)
    const partition = turn++ % Number(partitions)
    const values: number[] = []
    for (; dueMs <= nowMs; dueMs += 1000 / rate, value += step) values.push(value)
    for (const one of values) console.log(`i ${id} ${partition} ${one}`)
    const isSent = await producer
      .send({
        topic,
        acks: -1,
        messages: values.map(one => ({ partition, value: `${one} ${'x'.repeat(size || 50)}` })),
      })
      .then(
        ([result]) => {
          const baseOffset = Number(result?.baseOffset ?? -1)
          for (const [at, one] of values.entries())
            console.log(`o ${id} ${partition} ${one} ${baseOffset + at}`)
          return true
        },
        (error: unknown) => {
          for (const one of values) console.log(`u ${id} ${partition} ${one} ${String(error)}`)
          return false
        },
      )
    if (isSent) continue
    // kafkajs winds its sequence back after a send that failed, though it may have been written: brokers rightly take the next
    // batch of as many records for a repetition of that one, acknowledge it and write nothing. A new producer id ends that.
    await producer.disconnect().catch(() => {})
    producer = await newProducer()
  }
  await producer.disconnect()
}
