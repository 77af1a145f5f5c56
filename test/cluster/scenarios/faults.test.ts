/** One fault after the other under the same clients; what they saw is judged at the end, over all faults together. */
import { describe, expect, it } from 'vitest'
import { faults } from '../faults.ts'
import { expectNoAnomaly, target, useClusterAtWork } from '../fixture.ts'
import { letPass } from '../let-pass.ts'

const atWork = useClusterAtWork({ etcd: 3, diskBytes: 512_000_000 }, { impatient: true })

/** Those during which some partitions may have to wait until it is over. */
const mayStopService = /disk is full|restarted gracefully/

/** How long such a fault lasts. */
const lastsMs = 8_000

const possible = faults.filter(({ name }) => target === 'barnabas' || !/etcd/.test(name))

describe('every client gets on', () => {
  it.each(possible.filter(({ name }) => !mayStopService.test(name)))('while $name', async fault => {
    const { cluster, workload, scene } = atWork()
    const harm = await fault.begin(scene)
    try {
      await workload.advances(90_000)
    } finally {
      await harm.heal()
    }
    await cluster.inSync(workload.topic)
    await workload.advances()
  })

  it.each(possible.filter(({ name }) => mayStopService.test(name)))('after $name', async fault => {
    const { cluster, workload, scene } = atWork()
    const harm = await fault.begin(scene)
    await letPass(lastsMs)
    await harm.heal()
    await cluster.inSync(workload.topic)
    await workload.advances()
  })
})

describe('after all of that', () => {
  it('every broker still runs that no fault ended', () => {
    expect(atWork().cluster.brokers.filter(({ isRunning }) => !isRunning)).toEqual([])
  })

  it('every acknowledged record was read once, in order, and stands in the same bytes on every replica', async () => {
    expectNoAnomaly(await atWork().workload.finish())
  })
})
