/**
 * Runs in a pod. Arguments: bootstrap servers, topic, COUNT. Produces COUNT records with acks of all replicas, and reads the topic
 * from its beginning until it has seen as many; prints how many.
 */
import { Kafka, logLevel } from 'kafkajs'

const [servers = '', topic = '', count = '1'] = process.argv.slice(2)
const kafka = new Kafka({
  brokers: [servers],
  clientId: 'pod',
  logLevel: logLevel.NOTHING,
  retry: { retries: 8 },
})
const producer = kafka.producer()
await producer.connect()
const values = Array.from({ length: Number(count) }, (_, at) => ({ value: `record ${at}` }))
await producer.send({ topic, acks: -1, messages: values })
await producer.disconnect()

const consumer = kafka.consumer({ groupId: `pod-${process.pid}-${Date.now()}` })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
const seen = new Set<string>()
await new Promise<void>((resolve, reject) => {
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
  void consumer.run({
    eachMessage: async ({ partition, message }) => {
      seen.add(`${partition} ${message.offset}`)
      if (seen.size >= values.length) resolve()
    },
  })
})
console.log(`${seen.size} records`)
process.exit()
