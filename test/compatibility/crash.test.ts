/** kill -9 in the middle of writing: nothing that was acknowledged is lost, and an idempotent writer writes once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { RunningProcess, run, waitUntil } from '../targets/processes.ts'
import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { WireConnection } from '../targets/wire-connection.ts'
import { apiKeys, fetchBody, fetchOutcome } from '../targets/wire.ts'
import { createTopic, useBroker, useJavaTools } from './fixture.ts'
import { dumpTopic } from './log-files.ts'

const broker = useBroker()
const tools = useJavaTools()

async function highWatermark(topic: string): Promise<number> {
  const connection = await WireConnection.open(broker().port)
  try {
    const answer = await connection.request(apiKeys.fetch, 11, fetchBody(topic, 0, 0, { maxWaitMs: 0 }))
    return fetchOutcome(answer).highWatermark
  } finally {
    connection.close()
  }
}

async function readAll(topic: string, format = '%s'): Promise<string[]> {
  const args = ['-b', broker().bootstrapServers, '-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q']
  const { stdout } = await run('kcat', [...args, '-f', `${format}\n`])
  return stdout.trimEnd().split('\n')
}

async function expectSoundFiles(topic: string): Promise<void> {
  await broker().stop()
  const dump = await dumpTopic(tools(), broker().logDirectory, topic)
  expect(dump.complaints).toEqual([])
  await broker().start()
}

test.each([
  { codec: 'lz4', idempotent: true },
  { codec: 'lz4', idempotent: false },
  { codec: 'none', idempotent: true },
])(
  'what kcat had acknowledged before and after kill -9 is read back ($codec, idempotent: $idempotent)',
  async ({ codec, idempotent }) => {
    const topic = `kcat-${codec}-${idempotent}`
    await createTopic(broker(), topic)
    const args = ['-b', broker().bootstrapServers, '-P', '-t', topic, '-p', '0', '-z', codec]
    const patience = ['-X', 'message.timeout.ms=60000', '-X', 'reconnect.backoff.max.ms=200']
    // -E: kcat would end when its only broker is away.
    const kcat = spawn('kcat', ['-E', ...args, ...patience, '-X', `enable.idempotence=${idempotent}`])
    let said = ''
    kcat.stderr.on('data', chunk => (said += String(chunk)))
    const ended = once(kcat, 'exit')

    const count = 100_000
    const numbers = Array.from({ length: count }, (_, index) => String(index + 1))
    kcat.stdin.write(`${numbers.slice(0, count / 2).join('\n')}\n`)
    await waitUntil('some of it is written', async () => (await highWatermark(topic)) > 1_000 || undefined)
    await broker().kill()
    kcat.stdin.end(`${numbers.slice(count / 2).join('\n')}\n`)
    await broker().start()
    const [exit] = await ended
    expect(exit, said).toBe(0)

    const read = await readAll(topic)
    if (idempotent) {
      expect(read.length).toBe(count)
      expect(read.join() === numbers.join()).toBe(true)
    } else {
      const seen = new Set(read)
      expect(numbers.filter(number => !seen.has(number))).toEqual([])
    }
    await expectSoundFiles(topic)
  },
)

test('the Java producer with acks=all goes through kill -9 without losing or doubling a record', async () => {
  await createTopic(broker(), 'java-crash')
  const { classPath } = await prepareKafkaJava()
  const count = 60_000
  const java = new RunningProcess('sh', [
    '-c', // the output goes to a file: it is longer than what a RunningProcess keeps
    `exec java -Xmx256M -XX:TieredStopAtLevel=1 -cp '${classPath}' NumberedProducer "$@" > ${broker().directory}/acknowledged`,
    'NumberedProducer',
    broker().bootstrapServers,
    'java-crash',
    String(count),
    'lz4',
  ])
  await waitUntil(
    () => `records are acknowledged; ${java.output}`,
    async () => (await highWatermark('java-crash')) > 5_000 || undefined,
  )
  await broker().kill()
  expect(java.hasEnded).toBe(false)
  await broker().start()
  expect(await java.ended).toBe(0)

  const { readFileSync } = await import('node:fs')
  const said = readFileSync(`${broker().directory}/acknowledged`, 'utf8').trimEnd().split('\n')
  expect(said.filter(line => line.startsWith('failed'))).toEqual([])
  const acknowledged = said.map(line => line.split(' ').slice(1).join(' '))
  expect(acknowledged).toHaveLength(count)
  const read = await readAll('java-crash', '%s %o')
  expect(read.length).toBe(count)
  // An answer that was lost with the broker is found again as a duplicate, whose offset is not always known.
  const known = acknowledged.filter(line => !line.endsWith(' -1'))
  const readSet = new Set(read)
  expect(known.filter(line => !readSet.has(line))).toEqual([])
  expect(read.map(line => Number(line.split(' ')[0]))).toEqual(
    Array.from({ length: count }, (_, index) => index),
  )
  await expectSoundFiles('java-crash')
})

test('a broker that is killed over and over keeps every acknowledged record', {
  timeout: 120_000,
}, async () => {
  await createTopic(broker(), 'often', 1, { 'segment.bytes': '1048576' })
  const expected: string[] = []
  for (let round = 0; round < 4; round++) {
    const part = Array.from({ length: 8_000 }, (_, index) => `${round}-${index}-${'y'.repeat(80)}`)
    const args = [
      '-b',
      broker().bootstrapServers,
      '-P',
      '-t',
      'often',
      '-p',
      '0',
      '-X',
      'enable.idempotence=true',
    ]
    const result = await run('kcat', args, { input: `${part.join('\n')}\n` })
    expect(result, result.stderr).toMatchObject({ exit: 0 })
    await broker().kill() // nothing is under way: all of it was acknowledged
    expected.push(...part)
    await broker().start()
  }
  expect((await readAll('often')).join() === expected.join()).toBe(true)
  await expectSoundFiles('often')
})
