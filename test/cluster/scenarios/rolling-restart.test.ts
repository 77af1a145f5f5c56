/** Every broker is restarted gracefully in turn, as an operator does it, under clients with default settings. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { JavaTools } from '../../targets/java-tools.ts'
import { waitUntil } from '../../targets/processes.ts'
import { expectNoAnomaly, useClusterAtWork } from '../fixture.ts'

const atWork = useClusterAtWork({})
let tools: JavaTools | undefined
beforeAll(async () => {
  tools = await JavaTools.start()
})
afterAll(() => tools?.stop())

it('restarting every broker in turn, and moving all leaders back, fails no send and loses or repeats no record', async () => {
  const { cluster, workload } = atWork()
  for (const broker of cluster.brokers) {
    await broker.stop()
    await workload.advances()
    await broker.start()
    await cluster.inSync(workload.topic)
    await workload.advances()
  }
  const where = ['--bootstrap-server', cluster.bootstrapServers, '--election-type', 'preferred']
  const result = await tools?.run('kafka-leader-election', [...where, '--all-topic-partitions'])
  expect(result?.exit, `${result?.stdout}${result?.stderr}`).toBe(0)
  await waitUntil('preferred replicas lead', async () => {
    const { partitions } = await cluster.view([workload.topic])
    return partitions.every(({ leader, replicas }) => leader === replicas[0]) || undefined
  })
  await workload.advances()
  const outcome = await workload.finish()
  expectNoAnomaly(outcome)
  expect({ failed: outcome.failed, unknown: outcome.unknown }).toEqual({ failed: 0, unknown: 0 })
})
