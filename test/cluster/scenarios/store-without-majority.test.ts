/** Two of three etcd members are dead for a minute: no elections, no administration, but records go on. */
import { describe, expect, it } from 'vitest'
import { JavaTools } from '../../targets/java-tools.ts'
import { waitUntil } from '../../targets/processes.ts'
import { apiKeys, createTopicsBody, createTopicsOutcome } from '../../targets/wire.ts'
import { faultNamed } from '../faults.ts'
import { expectNoAnomaly, useClusterAtWork } from '../fixture.ts'
import { ask } from '../questions.ts'

const atWork = useClusterAtWork({ etcd: 3 })
const aMinuteMs = 60_000
/** How long an administrator's request may take. */
const patienceMs = 3_000

/** Errors after which a client tries again: COORDINATOR_NOT_AVAILABLE, REQUEST_TIMED_OUT, NOT_CONTROLLER and the like. */
const retriable = [7, 14, 15, 16, 41]

describe('a cluster whose etcd has lost its majority for a minute', () => {
  it('goes on producing and fetching, answers administration with a retriable error, and is whole again at once', async () => {
    const { cluster, workload, scene } = atWork()
    const pids = cluster.brokers.map(({ pid }) => pid)
    const began = performance.now()
    const harm = await faultNamed('two of three etcd members are dead').begin(scene)
    const errors = new Set<number>()
    try {
      while (performance.now() - began < aMinuteMs) {
        await workload.advances(30_000)
        for (const { place } of cluster.brokers) {
          const body = createTopicsBody(['later'], 1, {}, 3, patienceMs)
          const answer = await ask(place, apiKeys.createTopics, 4, body, 5 * patienceMs)
          errors.add(createTopicsOutcome(answer)[0]?.errorCode ?? -1)
        }
      }
    } finally {
      await harm.heal()
    }
    expect([...errors].filter(code => !retriable.includes(code))).toEqual([])
    await cluster.createTopic('after', 3, { deadlineMs: 20_000 })
    await workload.advances(20_000)
    expect(cluster.brokers.map(({ pid }) => pid)).toEqual(pids)
    expect(cluster.brokers.every(({ isRunning }) => isRunning)).toBe(true)
    expectNoAnomaly(await workload.finish())
  })

  it("tells Kafka's own tool so", async () => {
    const { cluster, scene } = atWork()
    const tools = await JavaTools.start()
    try {
      const harm = await faultNamed('two of three etcd members are dead').begin(scene)
      const where = ['--bootstrap-server', cluster.bootstrapServers]
      const topic = ['--create', '--topic', 'tool', '--partitions', '1', '--replication-factor', '3']
      const impatient = await tools.run('kafka-topics', [
        ...topic,
        '--bootstrap-server',
        cluster.bootstrapServers,
      ])
      expect(impatient.exit, impatient.stdout + impatient.stderr).not.toBe(0)
      await harm.heal()
      await waitUntil('the tool creates the topic', async () => {
        return (
          (await tools.run('kafka-topics', [...topic, ...where, '--if-not-exists'])).exit === 0 || undefined
        )
      })
    } finally {
      tools.stop()
    }
  })
})
