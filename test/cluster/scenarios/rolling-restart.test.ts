/** Every broker is restarted gracefully in turn, as an operator does it, under clients with default settings. */
import { expect, it } from 'vitest'
import { expectNoAnomaly, useClusterAtWork } from '../fixture.ts'

const atWork = useClusterAtWork({})

it('restarting every broker in turn fails no send and loses or repeats no record', async () => {
  const { cluster, workload } = atWork()
  for (const broker of cluster.brokers) {
    await broker.stop()
    await workload.advances()
    await broker.start()
    await cluster.inSync(workload.topic)
    await workload.advances()
  }
  const outcome = await workload.finish()
  expectNoAnomaly(outcome)
  expect({ failed: outcome.failed, unknown: outcome.unknown }).toEqual({ failed: 0, unknown: 0 })
})
