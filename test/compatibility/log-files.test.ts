import { expect, test } from 'vitest'
import { run } from '../targets/processes.ts'
import { createTopic, useBroker, useJavaTools } from './fixture.ts'
import { dumpTopic } from './log-files.ts'

const broker = useBroker()
const tools = useJavaTools()

const lines = Array.from({ length: 30_000 }, (_, index) => `${index} ${'x'.repeat(100)}\n`).join('')

async function produce(topic: string, codec: string): Promise<void> {
  const args = ['-b', broker().bootstrapServers, '-P', '-t', topic, '-p', '0', '-z', codec]
  const result = await run('kcat', [...args, '-X', 'enable.idempotence=true'], { input: lines })
  expect(result, result.stderr).toMatchObject({ exit: 0 })
}

async function expectSound(topic: string, records: number, segments: number): Promise<void> {
  const dump = await dumpTopic(tools(), broker().logDirectory, topic)
  expect(dump.complaints).toEqual([])
  expect(dump.records).toBe(records)
  expect(dump.files.filter(file => file.endsWith('.log')).length).toBeGreaterThanOrEqual(segments)
  for (const kind of ['.index', '.timeindex']) {
    expect(dump.files.filter(file => file.endsWith(kind)).length).toBeGreaterThanOrEqual(segments)
  }
}

test('DumpLogSegments reads every segment and index after a clean stop, and again after kill -9 and restart', async () => {
  const topics = [
    { topic: 'dump-none', codec: 'none', segments: 3 },
    { topic: 'dump-lz4', codec: 'lz4', segments: 1 },
    { topic: 'dump-zstd', codec: 'zstd', segments: 1 },
  ]
  for (const { topic, codec } of topics) {
    await createTopic(broker(), topic, 1, { 'segment.bytes': '1048576' })
    await produce(topic, codec)
  }
  expect(await broker().stop()).toBe(0)
  for (const { topic, segments } of topics) await expectSound(topic, 30_000, segments)

  await broker().start()
  for (const { topic, codec } of topics) await produce(topic, codec)
  await broker().kill()
  await broker().start()
  for (const { topic, codec } of topics) await produce(topic, codec)
  expect(await broker().stop()).toBe(0)
  for (const { topic, segments } of topics) await expectSound(topic, 90_000, segments)

  await broker().start()
  for (const { topic } of topics) {
    const args = [
      '-b',
      broker().bootstrapServers,
      '-C',
      '-t',
      topic,
      '-p',
      '0',
      '-o',
      'beginning',
      '-e',
      '-q',
    ]
    const { stdout } = await run('kcat', args)
    expect(stdout === lines.repeat(3)).toBe(true)
  }
})
