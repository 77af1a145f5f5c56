/**
 * A member of a group of kafkajs that says what it does, one line each, after the nanoseconds of the monotonic clock. It
 * processes, then commits. Ends cleanly on SIGTERM. Arguments: bootstrap servers, topic, group.
 */
import { Kafka, logLevel } from 'kafkajs'

const [servers = '', topic = '', groupId = ''] = process.argv.slice(2)
const kafka = new Kafka({
  brokers: [servers],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, maxRetryTime: 300, retries: 200 },
})
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 6_000,
  heartbeatInterval: 300,
  maxWaitTimeInMs: 200,
})

let owned: readonly number[] = []
consumer.on(consumer.events.REBALANCING, giveUpAll)
consumer.on(consumer.events.CRASH, giveUpAll)
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  giveUpAll()
  owned = payload.memberAssignment[topic] ?? []
  say('assigned', owned.join(','))
})

process.once('SIGTERM', () => void consumer.disconnect().then(() => process.exit(0)))
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachBatch: async payload => {
    const { batch } = payload
    if (!payload.isRunning() || payload.isStale()) return
    for (const { offset, value } of batch.messages) {
      say('processed', batch.partition, offset, String(value))
      payload.resolveOffset(offset)
    }
    const offset = String(BigInt(batch.lastOffset()) + 1n)
    await consumer.commitOffsets([{ topic, partition: batch.partition, offset }])
    await payload.heartbeat()
  },
})

function giveUpAll(): void {
  if (owned.length > 0) say('revoked', owned.join(','))
  owned = []
}

function say(...words: readonly unknown[]): void {
  process.stdout.write(`${process.hrtime.bigint()} ${words.join(' ')}\n`)
}
