import { afterEach, expect, test } from 'vitest'
import type { ControllerClient, RestartResult } from '../../../broker/controller/controller-client.ts'
import { countLed } from '../../../broker/controller/prepare-to-stop.ts'
import { newTopic, OneStoreCluster } from './one-store-cluster.ts'

let cluster: OneStoreCluster

afterEach(() => cluster.dispose())

const timeoutMs = 60_000
const request = { durationMs: 100_000, holder: 'operator', reason: 'a new image', timeoutMs }

function ask(brokerId: number): Promise<RestartResult> {
  return cluster.during(cluster.controller.requestRestart({ ...request, brokerId }))
}

function check(brokerId: number, controller: ControllerClient = cluster.controller): Promise<RestartResult> {
  return cluster.during(controller.canRestart({ brokerId, timeoutMs }))
}

test('a grant is for one broker, and is given back', async () => {
  cluster = await OneStoreCluster.start([1, 2])
  const { grant, safe } = await ask(1)
  expect(safe).toBe(true)
  expect(cluster.image.restartGrant).toMatchObject({ brokerId: 1, holder: 'operator', id: grant?.id })
  expect(await ask(2)).toMatchObject({ safe: false, reasons: [{ kind: 'GrantHeld' }] })
  expect(await ask(1)).toMatchObject({ safe: true, grant: { id: grant?.id } })
  await cluster.during(cluster.controller.releaseRestart({ brokerId: 1, grantId: null, timeoutMs }))
  expect(cluster.image.restartGrant).toBeNull()
  expect(await check(2)).toMatchObject({ safe: true, grant: null })
})

test('a grant ends with its time, without anybody asking', async () => {
  cluster = await OneStoreCluster.start([1, 2])
  await ask(1)
  await cluster.advance(60_000)
  expect(cluster.image.restartGrant).not.toBeNull()
  await cluster.advance(41_000)
  await cluster.until(() => cluster.image.restartGrant === null)
})

test('the next controller keeps to a grant, for its whole time at most', async () => {
  cluster = await OneStoreCluster.start([1, 2, 3])
  const { grant } = await ask(3)
  await cluster.advance(90_000)
  const { id } = cluster.activeBroker
  await cluster.leave(id)
  await cluster.until(() => cluster.running.some(broker => broker.membership.controllerEpoch !== undefined))
  expect(await check(id === 1 ? 2 : 1)).toMatchObject({ safe: false, grant: { id: grant?.id, brokerId: 3 } })
  await cluster.advance(90_000)
  expect(cluster.image.restartGrant?.id).toBe(grant?.id)
  await cluster.advance(11_000)
  await cluster.until(() => cluster.image.restartGrant === null)
})

/** A topic that broker 2 is to lead; it was restarted under a grant, and is in sync again. */
async function restarted(partitions: number): Promise<void> {
  const assignments = Array.from({ length: partitions }, (_, partitionIndex) => {
    return { partitionIndex, brokerIds: [2, 1] }
  })
  const topics = [{ ...newTopic('t', -1, -1), assignments }]
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
  expect((await ask(2)).safe).toBe(true)
  await cluster.leave(2)
  await cluster.until(() => cluster.partition('t').leader === 1)
  await cluster.join(2)
  const { id: topicId } = cluster.image.topicsByName.get('t')!
  const brokerEpoch = cluster.image.brokers.get(1)!.epoch
  const items = cluster.image.topicsByName.get('t')!.partitions.map((partition, partitionIndex) => {
    const { leaderEpoch, partitionEpoch } = partition
    const newIsr = [1, 2].map(brokerId => ({ brokerId, brokerEpoch: -1 }))
    return { topicId, partitionIndex, leaderEpoch, partitionEpoch, newIsr, recovering: false }
  })
  await cluster.during(
    cluster.controller.alterPartition({ brokerId: 1, brokerEpoch, partitions: items, timeoutMs }),
  )
}

test('leaders go back to the broker that is in sync again, and then the grant ends', async () => {
  cluster = await OneStoreCluster.start([1, 2])
  const ledWhenItEnded: number[] = []
  cluster.activeBroker.membership.images.onChange((image, previous) => {
    if (previous.restartGrant !== null && image.restartGrant === null) ledWhenItEnded.push(countLed(image, 2))
  })
  await restarted(1500) // more than are moved at a time
  await cluster.until(() => cluster.image.restartGrant === null)
  expect(ledWhenItEnded).toEqual([1500])
})

test('where leaders are not balanced none goes back, and the grant ends all the same', async () => {
  cluster = await OneStoreCluster.start([1, 2], undefined, { balancesLeaders: () => false })
  await restarted(3)
  await cluster.until(() => cluster.image.restartGrant === null)
  expect(countLed(cluster.image, 1)).toBe(3)
})

test('a grant ends when its broker is in sync again, not before', async () => {
  cluster = await OneStoreCluster.start([1, 2])
  const topics = [{ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] }]
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
  expect((await ask(2)).safe).toBe(true)
  await cluster.leave(2)
  await cluster.join(2)
  expect(cluster.partition('t').isr).toEqual([1])
  expect(await check(1)).toMatchObject({
    safe: false,
    reasons: [{ kind: 'GrantHeld' }, { kind: 'BrokerCatchingUp' }, { kind: 'UnderMinIsr' }],
  })

  const { id: topicId } = cluster.image.topicsByName.get('t')!
  const { leaderEpoch, partitionEpoch } = cluster.partition('t')
  const brokerEpoch = cluster.image.brokers.get(1)!.epoch
  const newIsr = [1, 2].map(brokerId => ({ brokerId, brokerEpoch: -1 }))
  const item = { topicId, partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, recovering: false }
  await cluster.during(
    cluster.controller.alterPartition({ brokerId: 1, brokerEpoch, partitions: [item], timeoutMs }),
  )
  await cluster.until(() => cluster.image.restartGrant === null)
  expect((await check(1)).safe).toBe(true)
})
