import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { run } from '../../cli/commands.ts'
import { UpDirectory } from '../support/barnabas-up.ts'
import { topicOf } from '../support/requests.ts'
import { RunningCluster } from '../support/running-cluster.ts'
import { until } from '../support/until.ts'

let written = ''

beforeEach(() => {
  const write = (text: string | Uint8Array): boolean => {
    written += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(write)
  vi.spyOn(process.stderr, 'write').mockImplementation(write)
})

afterEach(() => {
  vi.restoreAllMocks()
})

/** Exit code and what was written. */
async function status(...flags: readonly string[]): Promise<{ exit: number; text: string }> {
  written = ''
  const exit = await run(['node', 'barnabas', 'status', ...flags])
  return { exit, text: written }
}

test('a cluster is looked at through any of its brokers, whole and with one away', async () => {
  const cluster = await RunningCluster.start([0, 1, 2])
  try {
    const configs = { 'min.insync.replicas': '3' }
    await topicOf(await cluster.broker(0).connect(), 'a', { partitions: 3, replicationFactor: 3, configs })
    const bootstrap = `localhost:1,127.0.0.1:${cluster.broker(1).port}`
    await until(async () => (await status('--bootstrap-server', bootstrap)).exit === 0, 'all is well')
    const { text } = await status('--bootstrap-server', bootstrap)
    expect(text).toContain('broker 0    ● ready')
    expect(text).toContain('controller')
    expect(text).toContain('partitions  3 of 1 topic: 0 offline, 0 under min ISR, 0 under-replicated')
    expect(text).toContain('All is well.')

    await cluster.leave(2)
    await until(
      async () => (await status('--bootstrap-server', bootstrap)).text.includes('3 under min ISR'),
      'the broker is missed',
      30_000,
    )
    const after = await status('--bootstrap-server', bootstrap)
    expect(after.exit).toBe(1)
    expect(after.text).toContain('writes with acks=all are refused until broker 2 is back in sync.')
    expect(after.text).toContain('Broker 2 is away; 3 partitions have a replica on it.')
  } finally {
    await cluster.remove()
  }
})

test('that the metadata store is away is told, though the brokers serve on', async () => {
  const cluster = await RunningCluster.start([0])
  try {
    cluster.cutFromStore(0)
    const bootstrap = `127.0.0.1:${cluster.broker(0).port}`
    await until(
      async () => (await status('--bootstrap-server', bootstrap)).exit === 1,
      'the lease is no longer counted on',
    )
    const { text } = await status('--bootstrap-server', bootstrap)
    expect(text).toContain('Topics cannot be changed now (NOT_CONTROLLER')
    expect(text).toContain('etcd')
  } finally {
    await cluster.remove()
  }
})

test('the cluster that `up` runs is found by its data directory', async () => {
  const place = await UpDirectory.make()
  try {
    expect(await status('--data-dir', place.dataDirectory)).toEqual({
      exit: 2,
      text: expect.stringContaining('name a cluster with --bootstrap-server'),
    })
    const up = place.up(place.write('partitions: 2'))
    await up.says('Ctrl-C stops it')
    const { exit, text } = await status('--data-dir', place.dataDirectory)
    expect(text).toContain('partitions  2 of 1 topic')
    expect(exit).toBe(0)
  } finally {
    await place.remove()
  }
})

test('an address that nobody answers at, and one that is none, are told', async () => {
  expect(await status('--bootstrap-server', 'localhost:1')).toEqual({
    exit: 1,
    text: expect.stringContaining('No broker of the cluster answers'),
  })
  expect((await status('--bootstrap-server', 'localhost')).exit).toBe(2)
})
