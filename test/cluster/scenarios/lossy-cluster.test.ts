/** That loss is noticed: a cluster that is told to prefer service to records, and is harmed so that it has to choose. */
import { expect, it } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { useClusterAtWork } from '../fixture.ts'
import { letPass } from '../let-pass.ts'

const settings = { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' }
const atWork = useClusterAtWork({ settings }, { partitions: 1 })

/** How long the last replica alone takes records. */
const aloneMs = 3_000

it('records that a cluster was told it may lose are missed', async () => {
  const { cluster, workload } = atWork()
  const [leader, ...others] = await Promise.all(
    (await cluster.partition('work', 0)).replicas.map(async id => cluster.broker(id)),
  )
  if (leader === undefined) throw new Error('The partition has no replicas.')
  for (const other of others) {
    await other.kill()
    await waitUntil(
      `${other.name} has left the in-sync set`,
      async () => !(await cluster.partition('work', 0)).inSync.includes(other.id) || undefined,
      { deadlineMs: 60_000 },
    )
  }
  await letPass(aloneMs)
  await leader.kill()
  await Promise.all(others.map(other => other.start()))
  await waitUntil(
    'somebody else leads',
    async () => (await cluster.partition('work', 0)).leader !== leader.id || undefined,
    { deadlineMs: 60_000 },
  )
  await leader.start()
  const kinds = await waitUntil(
    'somebody misses what was lost',
    () => {
      const found = workload.anomaliesSoFar.map(({ kind }) => kind)
      return found.length > 0 ? found : undefined
    },
    { deadlineMs: 60_000 },
  )
  expect(kinds.join(', ')).toMatch(/inconsistent-offset|duplicate|nonmonotonic/)
})
