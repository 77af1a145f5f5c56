import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerStatuses } from '../../../operator/brokers/broker-statuses.ts'
import type { ToldStatus } from '../../../operator/reconcile/observed-cluster.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { createTopic } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster
let statuses: BrokerStatuses

beforeAll(async () => {
  cluster = await RunningCluster.start([0, 1], {}, ['one', 'two'])
  statuses = new BrokerStatuses(
    broker => ({
      host: '127.0.0.1',
      port: cluster.brokers.get(broker)?.broker.controlPort ?? 1,
      tls: false,
    }),
    systemClock,
  )
})

afterAll(async () => {
  statuses.close()
  await cluster.remove()
})

test('every broker tells of its disks, and who is not there is left out', async () => {
  const told = await statuses.ask([0, 1, 2])
  expect([...told.keys()].sort((a, b) => a - b)).toEqual([0, 1])
  const { isRecovering, logDirectories = [] } = told.get(1) ?? {}
  expect(isRecovering).toBe(false)
  expect(logDirectories).toMatchObject([
    { failure: '', isFull: false },
    { failure: '', isFull: false },
  ])
  expect(logDirectories[0]?.path).toMatch(/one$/)
  expect(logDirectories[0]?.totalBytes).toBeGreaterThan(logDirectories[0]?.usableBytes ?? Number.NaN)
})

test('a directory that is gone is told with the reason', async () => {
  const path = join(cluster.broker(1).directory, 'two')
  renameSync(path, `${path}-away`)
  writeFileSync(path, 'no directory')
  // It fails when something is to be written to it.
  await createTopic(await cluster.broker(0).connect(), 'orders', { partitions: 4, replicationFactor: 2 })
  let failed: ToldStatus['logDirectories'] = []
  await until(async () => {
    const { logDirectories = [] } = (await statuses.ask([1])).get(1) ?? {}
    failed = logDirectories.filter(({ failure }) => failure !== '')
    return failed.length > 0
  }, 'the broker tells')
  expect(failed).toMatchObject([{ path, failure: expect.stringContaining(path) }])
})
