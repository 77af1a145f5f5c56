import { afterAll, beforeAll, expect, test } from 'vitest'
import { controlTool } from '../../support/control-tool.ts'
import { createTopic } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'

let cluster: RunningCluster

beforeAll(async () => {
  cluster = await RunningCluster.start([1, 2])
})

afterAll(() => cluster.remove())

test('a broker answers when its image has come to a revision, or when the time is up', async () => {
  const tool = controlTool(cluster.broker(2).broker.controlPort)
  const { revision } = (await tool('AwaitRevision', { revision: 0, timeoutMs: 0 })) as { revision: number }
  expect(revision).toBeGreaterThan(0)

  const late = await tool('AwaitRevision', { revision: revision + 1000, timeoutMs: 50 })
  expect(late['revision']).toBeLessThan(revision + 1000)

  const next = tool('AwaitRevision', { revision: revision + 1, timeoutMs: 10_000 })
  await createTopic(await cluster.broker(1).connect(), 'orders')
  expect((await next)['revision']).toBeGreaterThan(revision)
})
