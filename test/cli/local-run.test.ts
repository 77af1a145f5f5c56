import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive } from '../../cli/running-cluster.ts'
import { Connection, describeTopicOverrides, describeTopics } from '../../client/index.ts'
import { UpDirectory } from '../support/barnabas-up.ts'
import { until } from '../support/until.ts'

let place: UpDirectory

beforeEach(async () => {
  place = await UpDirectory.make()
})

afterEach(() => place.remove())

async function inspect(): Promise<{ partitions: number | undefined; overrides: Record<string, string> }> {
  const connection = await Connection.open({ host: '127.0.0.1', port: place.clientPort, clientId: 'test' })
  try {
    const [topic] = await describeTopics(connection, ['orders'])
    const overrides = await describeTopicOverrides(connection, ['orders'])
    return { partitions: topic?.partitions, overrides: Object.fromEntries(overrides.get('orders') ?? []) }
  } finally {
    await connection.close()
  }
}

test('a cluster is started from its manifest, changed by running it again, and stopped cleanly', {
  timeout: 60_000,
}, async () => {
  const first = place.up(place.write('partitions: 2, retention: { time: 1h }'))
  await first.says('Ctrl-C stops it')
  expect(first.output).toContain('Topic orders: created.')
  expect(first.output).toContain(`kcat -P -b localhost:${place.clientPort} -t orders`)
  expect(await inspect()).toEqual({ partitions: 2, overrides: { 'retention.ms': '3600000' } })

  const second = place.up(place.write('partitions: 3, compression: Zstd'))
  expect(await second.exitCode).toBe(0)
  expect(second.output).toContain('demo runs already')
  expect(await inspect()).toEqual({ partitions: 3, overrides: { 'compression.type': 'zstd' } })

  const third = place.up(place.write('partitions: 1'))
  expect(await third.exitCode).toBe(1)
  expect(third.output).toContain('it cannot shrink to 1')

  first.child.kill('SIGINT')
  expect(await first.exitCode).toBe(0)
  expect(first.output).toContain('Stopped.')

  const later = place.up(place.write('partitions: 3'))
  await later.says('Ctrl-C stops it')
  expect(later.output).not.toContain('created')
  expect(await inspect()).toMatchObject({ partitions: 3 })
  later.child.kill('SIGTERM')
  expect(await later.exitCode).toBe(0)
})

test('a broker that is killed is started again', { timeout: 60_000 }, async () => {
  const run = place.up(place.write('partitions: 1'))
  await run.says('Ctrl-C stops it')
  process.kill(place.programs()[0]!.pid, 'SIGKILL')
  await run.says('broker 1 is restarting: it died (killed by SIGKILL)')
  run.child.kill('SIGINT')
  expect(await run.exitCode).toBe(0)
})

test('three brokers on an etcd of their own, each started again when it dies, and taken over by the next run', {
  timeout: 120_000,
}, async () => {
  const manifest = place.write('partitions: 3, replicationFactor: 3', '{ brokers: { replicas: 3 } }')
  const run = place.up(manifest)
  await run.says('Ctrl-C stops it')
  expect(run.output).toContain('Topic orders: created.')
  expect(run.output).toContain(`kcat -P -b localhost:${place.clientPort},localhost:${place.clientPort + 1},`)
  expect(place.programs().map(({ argument }) => argument)).toEqual([
    'broker-0.properties',
    'broker-1.properties',
    'broker-2.properties',
    expect.stringMatching(/etcd$/),
  ])
  const [, second, , etcd] = place.programs()
  process.kill(second!.pid, 'SIGKILL')
  await run.says('broker 1 is restarting: it died (killed by SIGKILL)')
  process.kill(etcd!.pid, 'SIGKILL')
  await run.says('etcd is restarting: it died (killed by SIGKILL)')
  await until(() => place.programs().length === 4, 'all run again', 60_000)
  expect(place.programs().every(({ pid }) => ![second!.pid, etcd!.pid].includes(pid))).toBe(true)

  run.child.kill('SIGKILL')
  await run.exitCode
  const leftBehind = place.programs()
  const next = place.up(manifest)
  await next.says('Ctrl-C stops it')
  // etcd ends by itself when nobody reads its output any more, unless the next run comes first.
  for (const { pid } of leftBehind.filter(({ argument }) => argument.endsWith('.properties')))
    expect(next.output).toContain(`of an earlier run is still there (process ${pid})`)
  expect(leftBehind.filter(({ pid, argument }) => isAlive(pid, argument))).toEqual([])
  expect(next.output).not.toContain('created')
  expect(await inspect()).toMatchObject({ partitions: 3 })
  next.child.kill('SIGINT')
  expect(await next.exitCode).toBe(0)
  expect(place.programs()).toEqual([])
})
