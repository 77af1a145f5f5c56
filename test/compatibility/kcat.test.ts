import { expect, test } from 'vitest'
import { type CommandResult, run } from '../targets/processes.ts'
import { createTopic, useBroker } from './fixture.ts'

const broker = useBroker()

async function kcat(args: readonly string[], input = ''): Promise<CommandResult> {
  const result = await run('kcat', ['-b', broker().bootstrapServers, ...args], { input, timeoutMs: 30_000 })
  expect(result, `kcat ${args.join(' ')}: ${result.stderr}`).toMatchObject({ exit: 0 })
  return result
}

test('kcat lists the broker, its topics and their partitions', async () => {
  await createTopic(broker(), 'listed', 3)
  const { stdout } = await kcat(['-L'])
  expect(stdout).toContain(`broker 1 at ${broker().bootstrapServers}`)
  expect(stdout).toContain('topic "listed" with 3 partitions:')
  expect(stdout).toContain('partition 2, leader 1, replicas: 1, isrs: 1')
})

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
  'kcat reads back what it wrote with compression %s, once and in order',
  async codec => {
    const topic = `numbers-${codec}`
    await createTopic(broker(), topic)
    const numbers = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('')
    await kcat(['-P', '-t', topic, '-p', '0', '-z', codec], numbers)
    const { stdout } = await kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q'])
    expect(stdout === numbers).toBe(true)
  },
)

test('keys, headers, timestamps and null values survive the round trip', async () => {
  await createTopic(broker(), 'fields')
  const before = Date.now()
  await kcat(['-P', '-t', 'fields', '-p', '0', '-K', ':', '-H', 'colour=blue', '-H', 'empty='], 'k1:v1\n')
  await kcat(['-P', '-t', 'fields', '-p', '0', '-K', ':', '-Z'], 'k2:\n')
  await kcat(['-P', '-t', 'fields', '-p', '0', '-Z'], 'no key\n')
  const format = '%o|%k|%K|%s|%S|%h|%T\n'
  const { stdout } = await kcat([
    '-C',
    '-t',
    'fields',
    '-p',
    '0',
    '-o',
    'beginning',
    '-e',
    '-q',
    '-f',
    format,
  ])
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map(line => line.split('|'))
  expect(rows.map(row => row.slice(0, 6))).toEqual([
    ['0', 'k1', '2', 'v1', '2', 'colour=blue,empty='],
    ['1', 'k2', '2', '', '-1', ''],
    ['2', '', '-1', 'no key', '6', ''],
  ])
  for (const row of rows) {
    expect(Number(row[6])).toBeGreaterThanOrEqual(before)
    expect(Number(row[6])).toBeLessThanOrEqual(Date.now())
  }
})

test('partitions are separate logs, and reading begins at any offset or counted from the end', async () => {
  await createTopic(broker(), 'separate', 3)
  for (const partition of ['0', '1', '2']) {
    const lines = Array.from({ length: 10 }, (_, index) => `p${partition}-${index}\n`).join('')
    await kcat(['-P', '-t', 'separate', '-p', partition], lines)
  }
  const read = async (partition: string, offset: string): Promise<string[]> => {
    const args = ['-C', '-t', 'separate', '-p', partition, '-o', offset, '-e', '-q']
    return (await kcat(args)).stdout.trimEnd().split('\n')
  }
  expect(await read('1', '7')).toEqual(['p1-7', 'p1-8', 'p1-9'])
  expect(await read('2', '-2')).toEqual(['p2-8', 'p2-9'])
  expect(await read('0', 'beginning')).toHaveLength(10)
  const everything = await kcat(['-C', '-t', 'separate', '-o', 'beginning', '-e', '-q', '-f', '%p %o\n'])
  expect(everything.stdout.trimEnd().split('\n')).toHaveLength(30)
})

test('the partitioner of librdkafka sends one key to one partition', async () => {
  await createTopic(broker(), 'keyed', 8)
  const lines = Array.from({ length: 400 }, (_, index) => `key${index % 20}:${index}\n`).join('')
  await kcat(['-P', '-t', 'keyed', '-K', ':'], lines)
  const { stdout } = await kcat(['-C', '-t', 'keyed', '-o', 'beginning', '-e', '-q', '-f', '%k %p\n'])
  const placed = new Set(stdout.trimEnd().split('\n'))
  expect(stdout.trimEnd().split('\n')).toHaveLength(400)
  expect(placed.size).toBe(20)
})

test('offsets are found by time, and the two ends by their special timestamps', async () => {
  await createTopic(broker(), 'by-time')
  await kcat(['-P', '-t', 'by-time', '-p', '0'], 'a\nb\nc\n')
  const format = ['-C', '-t', 'by-time', '-p', '0', '-o', 'beginning', '-e', '-q', '-f', '%T\n']
  const timestamps = (await kcat(format)).stdout.trimEnd().split('\n').map(Number)
  const offsetOf = async (timestamp: number): Promise<string> =>
    (await kcat(['-Q', '-t', `by-time:0:${timestamp}`])).stdout.trim()
  expect(await offsetOf(timestamps[0] as number)).toBe('by-time [0] offset 0')
  expect(await offsetOf((timestamps[2] as number) + 1_000)).toBe('by-time [0] offset -1')
  expect(await offsetOf(-2)).toBe('by-time [0] offset 0')
  expect(await offsetOf(-1)).toBe('by-time [0] offset 3')
})

test('an idempotent librdkafka producer writes everything once', async () => {
  await createTopic(broker(), 'idempotent')
  const numbers = Array.from({ length: 5_000 }, (_, index) => `${index}\n`).join('')
  await kcat(['-P', '-t', 'idempotent', '-p', '0', '-X', 'enable.idempotence=true', '-z', 'lz4'], numbers)
  const { stdout } = await kcat(['-C', '-t', 'idempotent', '-p', '0', '-o', 'beginning', '-e', '-q'])
  expect(stdout === numbers).toBe(true)
})

test('a topic that is written to first is created with the settings of the broker', async () => {
  await kcat(['-P', '-t', 'made-by-writing', '-p', '0'], 'first\n')
  const { stdout } = await kcat(['-C', '-t', 'made-by-writing', '-o', 'beginning', '-e', '-q'])
  expect(stdout).toBe('first\n')
})

test('reading a topic that is not there is an error, not an empty topic', async () => {
  const args = ['-b', broker().bootstrapServers, '-C', '-t', 'not/a/topic', '-p', '0', '-e', '-q']
  const result = await run('kcat', args, { timeoutMs: 30_000 })
  expect(result.exit).not.toBe(0)
})

test('messages beyond message.max.bytes are refused to librdkafka by name', async () => {
  await createTopic(broker(), 'small', 1, { 'max.message.bytes': '2000' })
  const args = ['-b', broker().bootstrapServers, '-P', '-t', 'small', '-p', '0']
  const result = await run('kcat', args, { input: `${'x'.repeat(5_000)}\n`, timeoutMs: 30_000 })
  expect(result.stderr).toContain('Message size too large')
})
