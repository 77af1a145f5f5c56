/**
 * node test/kubernetes/load.ts BOOTSTRAP SECONDS: a producer, two groups of consumers, one of which stops and falls behind,
 * and topics that come and go. Ends by itself.
 */
import { setInterval } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'

const [bootstrap = '', seconds = '60'] = process.argv.slice(2)
const kafka = new Kafka({ brokers: [bootstrap], clientId: 'load', logLevel: logLevel.ERROR })
const end = performance.now() + Number(seconds) * 1_000
const topic = 'orders'
const value = 'x'.repeat(1_000)

const producer = kafka.producer()
await producer.connect()
await producer.send({ topic, messages: [{ key: 'first', value }] })

const billing = kafka.consumer({ groupId: 'billing' })
await billing.connect()
await billing.subscribe({ topic, fromBeginning: true })
await billing.run({ autoCommitInterval: 500, eachMessage: async () => {} })

const slow = kafka.consumer({ groupId: 'slow' })
await slow.connect()
await slow.subscribe({ topic, fromBeginning: true })
await slow.run({
  autoCommitThreshold: 1,
  eachMessage: async ({ topic: from, partition }) => slow.pause([{ topic: from, partitions: [partition] }]),
})

const admin = kafka.admin()
await admin.connect()

console.log('load runs')
let sends = 0
for await (const _ of setInterval(50)) {
  if (performance.now() > end) break
  const messages = Array.from({ length: 20 }, (_unused, at) => ({ key: `key-${sends}-${at}`, value }))
  await producer.send({ topic, messages })
  if (sends++ % 100 === 0) {
    await admin.createTopics({ topics: [{ topic: 'fleeting' }], waitForLeaders: true })
    await admin.deleteTopics({ topics: ['fleeting'] })
  }
}
await Promise.all([producer, billing, slow, admin].map(client => client.disconnect()))
