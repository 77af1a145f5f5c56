/** A hundred partitions move to other brokers, with Kafka's own tool, under load, while a broker is killed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { JavaTools } from '../../targets/java-tools.ts'
import { waitUntil } from '../../targets/processes.ts'
import { expectNoAnomaly, useClusterAtWork } from '../fixture.ts'

const partitions = 100
const atWork = useClusterAtWork({ brokers: 5, etcd: 3 }, { topic: 'moving', partitions, rate: 400 })
let tools: JavaTools | undefined
beforeAll(async () => {
  tools = await JavaTools.start()
})
afterAll(() => tools?.stop())

it('a hundred partitions move under load while a broker is killed, and end with full replica sets', async () => {
  const { cluster, workload } = atWork()
  const before = (await cluster.view(['moving'])).partitions
  const plan = before.map(({ topic, partition, replicas }) => ({
    topic,
    partition,
    replicas: replicas.map(id => (id % 5) + 1),
  }))
  const file = join(cluster.directory, 'plan.json')
  writeFileSync(file, JSON.stringify({ version: 1, partitions: plan }))
  const reassign = async (...args: string[]): Promise<string> => {
    const where = ['--bootstrap-server', cluster.bootstrapServers, '--reassignment-json-file', file]
    const result = await tools?.run('kafka-reassign-partitions', [...where, ...args])
    expect(result?.exit, `${result?.stdout}${result?.stderr}`).toBe(0)
    return result?.stdout ?? ''
  }

  await reassign('--execute')
  const victim = await cluster.leaderOf('moving', 0)
  await victim.kill()
  await workload.advances(120_000)
  await victim.start()
  await waitUntil(
    'the reassignment is complete',
    async () => !/still in progress|is still|There is an error/.test(await reassign('--verify')) || undefined,
    { deadlineMs: 120_000, everyMs: 500 },
  )
  await cluster.inSync('moving')
  const after = (await cluster.view(['moving'])).partitions
  for (const { partition, replicas } of after) {
    const planned = plan.find(one => one.partition === partition)?.replicas ?? []
    expect(new Set(replicas), `partition ${partition}`).toEqual(new Set(planned))
  }
  expect(after.every(({ replicas, inSync }) => replicas.length === 3 && inSync.length === 3)).toBe(true)
  expectNoAnomaly(await workload.finish())
})
