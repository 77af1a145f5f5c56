import { afterEach, expect, test } from 'vitest'
import { newTopic, OneStoreCluster } from './one-store-cluster.ts'

let cluster: OneStoreCluster

afterEach(() => cluster.dispose())

const timeoutMs = 60_000

test('leaders move back by themselves after a while', async () => {
  cluster = await OneStoreCluster.start([1, 2])
  const topics = [{ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [2, 1] }] }]
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
  const { id: topicId } = cluster.image.topicsByName.get('t')!
  await cluster.leave(2)
  await cluster.until(() => cluster.partition('t').leader === 1)
  await cluster.join(2)
  const { leaderEpoch, partitionEpoch } = cluster.partition('t')
  const brokerEpoch = cluster.image.brokers.get(1)!.epoch
  const newIsr = [1, 2].map(brokerId => ({ brokerId, brokerEpoch: -1 }))
  const item = { topicId, partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, recovering: false }
  await cluster.during(
    cluster.controller.alterPartition({ brokerId: 1, brokerEpoch, partitions: [item], timeoutMs }),
  )
  await cluster.advance(300_000)
  await cluster.until(() => cluster.partition('t').leader === 2)
})

test('switching unclean election on elects where nobody leads, at once', async () => {
  cluster = await OneStoreCluster.start([1, 2], undefined, { electsUncleanly: () => electsUncleanly })
  let electsUncleanly = false
  const topics = [{ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [2, 1] }] }]
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
  const { id: topicId } = cluster.image.topicsByName.get('t')!
  const brokerEpoch = cluster.image.brokers.get(2)!.epoch
  const item = { topicId, partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0, recovering: false }
  const newIsr = [{ brokerId: 2, brokerEpoch }]
  await cluster.during(
    cluster.controller.alterPartition({
      brokerId: 2,
      brokerEpoch,
      partitions: [{ ...item, newIsr }],
      timeoutMs,
    }),
  )
  await cluster.leave(2)
  await cluster.until(() => cluster.partition('t').leader === -1)
  electsUncleanly = true
  const configs = [{ name: 'unclean.leader.election.enable', operation: 'SET' as const, value: 'true' }]
  const resources = [{ type: 'topic' as const, name: 't', configs }]
  await cluster.during(
    cluster.controller.incrementalAlterConfigs({ resources, validateOnly: false, timeoutMs }),
  )
  await cluster.until(() => cluster.partition('t').leader === 1)
  expect(cluster.partition('t')).toMatchObject({ isr: [1], recovering: true })
  expect(cluster.activeBroker.membership.elections.unclean).toBe(1)
})
