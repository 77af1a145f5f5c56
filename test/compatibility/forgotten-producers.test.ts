/** A broker that has forgotten its producers while they go on: none of their clients may stumble over it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { run, RunningProcess, waitUntil } from '../targets/processes.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { apiKeys, fetchBody, fetchOutcome } from '../targets/wire.ts'
import { createTopic, useBroker } from './fixture.ts'

// Whatever a start finds of producers has expired.
const broker = useBroker({ 'producer.id.expiration.ms': '1' })

const count = 40_000
const numbers = Array.from({ length: count }, (_, index) => String(index))

async function someAreWritten(topic: string): Promise<void> {
  const connection = await WireConnection.open(broker().port)
  try {
    await waitUntil('some records are written', async () => {
      const answer = await connection.request(apiKeys.fetch, 11, fetchBody(topic, 0, 0, { maxWaitMs: 0 }))
      return fetchOutcome(answer).highWatermark > 1000 || undefined
    })
  } finally {
    connection.close()
  }
}

async function forgetProducers(): Promise<void> {
  expect(await broker().stop()).toBe(0)
  await broker().start()
}

/** Nothing lost and nothing out of order; a record whose answer was lost with the connection may stand twice. */
async function expectAllInOrder(topic: string): Promise<void> {
  const args = ['-b', broker().bootstrapServers, '-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q']
  const { stdout } = await run('kcat', args)
  const read = [...new Set(stdout.trimEnd().split('\n'))]
  expect(read.length).toBe(count)
  expect(read.join() === numbers.join()).toBe(true)
}

test('kcat goes on where it was', async () => {
  await createTopic(broker(), 'kcat')
  const args = ['-E', '-b', broker().bootstrapServers, '-P', '-t', 'kcat', '-p', '0']
  const settings = [
    'enable.idempotence=true',
    'batch.num.messages=20',
    'message.timeout.ms=60000',
    'reconnect.backoff.max.ms=200',
  ]
  const kcat = spawn('kcat', [...args, ...settings.flatMap(setting => ['-X', setting])])
  let said = ''
  kcat.stderr.on('data', chunk => (said += String(chunk)))
  const ended = once(kcat, 'exit')
  kcat.stdin.write(`${numbers.slice(0, count / 2).join('\n')}\n`)
  await someAreWritten('kcat')
  await forgetProducers()
  kcat.stdin.end(`${numbers.slice(count / 2).join('\n')}\n`)
  const [exit] = await ended
  expect(exit, said).toBe(0)
  await expectAllInOrder('kcat')
})

test('the Java producer goes on where it was', async () => {
  await createTopic(broker(), 'java')
  const { classPath } = await prepareKafkaJava()
  const java = new RunningProcess('sh', [
    '-c', // the output goes to a file: it is longer than what a RunningProcess keeps
    `exec java -Xmx256M -XX:TieredStopAtLevel=1 -cp '${classPath}' NumberedProducer "$@" > ${broker().directory}/acknowledged`,
    'NumberedProducer',
    broker().bootstrapServers,
    'java',
    String(count),
    'none',
  ])
  await someAreWritten('java')
  await forgetProducers()
  expect(await java.ended).toBe(0)
  const said = readFileSync(`${broker().directory}/acknowledged`, 'utf8').trimEnd().split('\n')
  expect(said.filter(line => line.startsWith('failed'))).toEqual([])
  await expectAllInOrder('java')
})
