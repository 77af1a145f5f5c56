/** Settings that restart all brokers, and brokers that come and go, under load. */
import { expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { cluster, endsQuietly, useOperator } from '../operated-cluster.ts'

const operated = useOperator('scaled')
const restarting = 'config: {queued.max.requests: "600"}'

test('three brokers become ready', async () => {
  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
})

test('a setting that brokers read once goes through all of them', async () => {
  const before = await operated.podUids()
  const outcome = await underLoad(operated, 'rolled', async () => {
    await operated.apply(cluster(restarting))
    await operated.until('bnc/kafka', 'UpToDate', 'True')
    await operated.until('bnc/kafka', 'Ready', 'True')
    expect((await operated.podUids()).filter(uid => before.includes(uid))).toEqual([])
  })
  expectNothingLost(outcome, { leastInSync: 2 })
}, 300_000)

test('three become five, which get replicas, and three again, emptied before they go', async () => {
  const before = await operated.podUids()
  const topic = 'scaled'
  const outcome = await underLoad(operated, topic, async load => {
    await scaleTo(5)
    await untilReplicasAreOn(topic, [0, 1, 2, 3, 4])
    await operated.until('bnc/kafka', 'Progressing', 'False', 'Converged')
    await load.advances()
    await scaleTo(3)
    await operated.until('bnc/kafka', 'Progressing', 'False', 'Converged')
    const gone = ['pod/kafka-brokers-3', 'pod/kafka-brokers-4']
    await operated.kubectl('wait', ...gone, '--for=delete', '--timeout=60s')
    await untilReplicasAreOn(topic, [0, 1, 2])
  })
  expectNothingLost(outcome, { leastInSync: 2 })
  expect(await operated.podUids()).toEqual(before)
}, 600_000)

async function scaleTo(brokers: number): Promise<void> {
  await operated.kubectl('scale', 'bnc/kafka', `--replicas=${brokers}`)
  await operated.until('bnc/kafka', 'Ready', 'True', undefined, 240_000)
}

async function untilReplicasAreOn(topic: string, brokers: readonly number[]): Promise<void> {
  let listed = ''
  await waitUntil(
    () => `replicas are on brokers ${brokers.join()} and no others; there is ${listed}`,
    async () => {
      listed = await operated.listed(topic)
      const found = [...listed.matchAll(/replicas: (\d+(?:,\d+)*)/g)].flatMap(([, ids = '']) =>
        ids.split(','),
      )
      return [...new Set(found)].sort().join() === brokers.join() || undefined
    },
    { deadlineMs: 60_000, everyMs: 1000 },
  )
}

endsQuietly(operated)
