import { afterEach, describe, expect, test } from 'vitest'
import { isUuid } from '../../../protocol/index.ts'
import type { NewTopic } from '../../../broker/controller/controller-client.ts'
import { ClusterMembership } from '../../../broker/controller/cluster-membership.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { newTopic, OneStoreCluster, testMember } from './one-store-cluster.ts'

let cluster: OneStoreCluster

afterEach(() => cluster.dispose())

const timeoutMs = 60_000

async function createTopic(name: string, partitions = 1, replicationFactor = 1): Promise<void> {
  const topics = [newTopic(name, partitions, replicationFactor)]
  const results = await cluster.during(
    cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }),
  )
  expect(results.map(result => [result.error, result.message])).toEqual([['NONE', null]])
}

async function createTopics(...topics: NewTopic[]): Promise<void> {
  await cluster.during(cluster.controller.createTopics({ topics, validateOnly: false, timeoutMs }))
}

describe('one broker on the embedded store', () => {
  test('the first start makes a cluster id and features that every later start finds again', async () => {
    cluster = await OneStoreCluster.start([])
    const first = await cluster.join(1)
    const { clusterId } = first.membership
    expect(isUuid(clusterId)).toBe(true)
    expect(cluster.image.features.finalized.get('metadata.version')).toBe(30)
    const { epoch } = cluster.image.features
    await cluster.leave(1)
    const second = await cluster.join(1)
    expect(second.membership.clusterId).toBe(clusterId)
    expect(cluster.image.features.epoch).toBe(epoch)
  })

  test('after joining the broker is registered, let in, and the controller', async () => {
    cluster = await OneStoreCluster.start([1])
    const { membership } = cluster.brokers.get(1)!
    expect(cluster.image.brokers.get(1)).toMatchObject({
      id: 1,
      fenced: false,
      epoch: membership.brokerEpoch,
    })
    expect(cluster.image.controller).toEqual({ id: 1, epoch: membership.controllerEpoch })
    expect(membership.isRegistered).toBe(true)
  })

  test('a restart moves every leader epoch on, whether the stop was clean or not', async () => {
    cluster = await OneStoreCluster.start([1])
    await createTopic('t', 300)
    expect(cluster.partition('t', 299)).toMatchObject({
      leader: 1,
      leaderEpoch: 0,
      isr: [1],
      partitionEpoch: 0,
    })
    await cluster.leave(1, true)
    await cluster.join(1)
    expect(cluster.partition('t', 299)).toMatchObject({ leader: 1, leaderEpoch: 1, isr: [1] })

    const epochs = {
      broker: cluster.brokers.get(1)!.membership.brokerEpoch!,
      controller: cluster.image.controller!.epoch,
    }
    await cluster.crashAndReopen()
    await cluster.join(1)
    const partitions = cluster.image.topicsByName.get('t')!.partitions
    expect(partitions).toHaveLength(300)
    for (const partition of partitions)
      expect(partition).toMatchObject({ leader: 1, leaderEpoch: 2, isr: [1] })
    expect(cluster.brokers.get(1)!.membership.brokerEpoch).toBeGreaterThan(epochs.broker)
    expect(cluster.image.controller!.epoch).toBeGreaterThan(epochs.controller)
  })

  test('a clean stop leaves its mark, a crash does not', async () => {
    cluster = await OneStoreCluster.start([1])
    const { brokerEpoch } = cluster.brokers.get(1)!.membership
    await cluster.leave(1, true)
    await cluster.join(1)
    expect(cluster.image.brokerStates.get(1)?.cleanStopEpoch).toBe(brokerEpoch)
    await cluster.crashAndReopen()
    await cluster.join(1)
    const state = cluster.image.brokerStates.get(1)
    expect(state?.cleanStopEpoch).toBe(brokerEpoch)
    expect(state?.admittedEpoch).toBe(cluster.brokers.get(1)!.membership.brokerEpoch)
  })

  test('a process that stood still past its lease registers anew, with new epochs, and leads on', async () => {
    cluster = await OneStoreCluster.start([1])
    await createTopic('t')
    const before = cluster.brokers.get(1)!.membership.brokerEpoch
    cluster.pause(1)
    await cluster.advance(12_000)
    cluster.resume(1)
    // Its clock ran on while it stood: it must not act before it is registered again.
    cluster.brokers.get(1)!.clock.advance(12_000)
    expect(cluster.brokers.get(1)!.membership.isRegistered).toBe(false)
    await cluster.advance(2000)
    await cluster.until(() => cluster.image.brokers.get(1)?.fenced === false)
    expect(cluster.brokers.get(1)!.membership.brokerEpoch).toBeGreaterThan(before!)
    expect(cluster.partition('t')).toMatchObject({ leader: 1, isr: [1] })
    expect(cluster.partition('t').leaderEpoch).toBeGreaterThan(0)
    await cluster.until(
      () => cluster.image.controller?.epoch === cluster.activeBroker.membership.controllerEpoch,
    )
    await createTopic('u')
  })

  test('a registration or controller key deleted under us is made anew', async () => {
    cluster = await OneStoreCluster.start([1])
    const { brokerEpoch, controllerEpoch } = cluster.brokers.get(1)!.membership
    await cluster.store.commit({ delete: ['controller'] })
    await cluster.until(() => (cluster.image.controller?.epoch ?? 0) > controllerEpoch!)
    await cluster.store.commit({ delete: ['brokers/1'] })
    await cluster.until(() => (cluster.image.brokers.get(1)?.epoch ?? 0) > brokerEpoch!)
    await cluster.until(() => cluster.image.brokers.get(1)?.fenced === false)
    await createTopic('t')
  })

  test('a broker that gives up joining, or leaves meanwhile, waits no longer', async () => {
    cluster = await OneStoreCluster.start([1])
    const options = {
      store: cluster.store,
      clock: new FakeClock(),
      random: seededRandom(5),
      logger: silentLogger,
    }
    const patient = await ClusterMembership.open(options)
    // Broker 1 is registered already, so this one is not let in.
    const joining = patient.join(testMember(1), AbortSignal.abort(new Error('Enough.')))
    await expect(joining).rejects.toThrow('Enough.')
    const leaver = await ClusterMembership.open(options)
    const waiting = expect(leaver.join(testMember(1))).rejects.toThrow('leaves the cluster')
    await leaver.leave({ clean: false })
    await patient.leave({ clean: false })
    await waiting
  })

  test('the end of the image is told when the store ends, not when the broker leaves', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const ended: number[] = []
    for (const { id, membership } of cluster.running) membership.images.onEnd(() => ended.push(id))
    await cluster.leave(1)
    expect(ended).toEqual([])
    await cluster.store.close()
    expect(ended).toEqual([2])
  })

  test('the lease is renewed for as long as the loop runs', async () => {
    cluster = await OneStoreCluster.start([1])
    const { membership } = cluster.brokers.get(1)!
    const { brokerEpoch, controllerEpoch } = membership
    await cluster.advance(60_000)
    expect(membership.isRegistered).toBe(true)
    expect(membership).toMatchObject({ brokerEpoch, controllerEpoch })
  })
})

describe('several brokers on one store', () => {
  test('the first is the controller, and another takes over with a larger epoch when it leaves', async () => {
    cluster = await OneStoreCluster.start([1, 2, 3])
    expect(cluster.image.controller?.id).toBe(1)
    const epoch = cluster.image.controller!.epoch
    await cluster.leave(1)
    await cluster.until(() => cluster.image.controller !== null && cluster.image.controller.id !== 1)
    expect(cluster.image.controller!.epoch).toBeGreaterThan(epoch)
  })

  test('a dead leader is replaced from the in-sync set and leaves it', async () => {
    cluster = await OneStoreCluster.start([1, 2, 3])
    await createTopic('t', 3, 3)
    const before = cluster.image.topicsByName.get('t')!.partitions
    expect(before.map(partition => partition.leader).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
    cluster.pause(2)
    await cluster.advance(12_000)
    await cluster.until(() =>
      cluster.image.topicsByName.get('t')!.partitions.every(partition => !partition.isr.includes(2)),
    )
    for (const [index, partition] of cluster.image.topicsByName.get('t')!.partitions.entries()) {
      const led = before[index]!.leader === 2
      expect(partition.leader).not.toBe(2)
      expect(partition.isr.toSorted((a, b) => a - b)).toEqual([1, 3])
      expect(partition.leaderEpoch).toBe(led ? 1 : 0)
      expect(partition.partitionEpoch).toBe(1)
      expect(partition.replicas).toEqual(before[index]!.replicas)
    }
  })

  test('the last in-sync replica stays eligible while it is away, and leads when it comes back', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    await cluster.during(
      cluster.controller.createTopics({
        topics: [{ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [2] }] }],
        validateOnly: false,
        timeoutMs,
      }),
    )
    await cluster.leave(2)
    await cluster.until(() => cluster.partition('t').leader === -1)
    expect(cluster.partition('t')).toMatchObject({ leader: -1, leaderEpoch: 1, isr: [], elr: [2] })
    await cluster.join(2)
    expect(cluster.partition('t')).toMatchObject({ leader: 2, leaderEpoch: 2, isr: [2], recovering: false })
    expect(cluster.activeBroker.membership.elections.unclean).toBe(0)
  })

  test('after a crash the last in-sync replica leads as the last known leader, which counts as unclean', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const assignments = [{ partitionIndex: 0, brokerIds: [2] }]
    await createTopics({ ...newTopic('t', -1, -1), assignments })
    await cluster.leave(2, false)
    await cluster.until(() => cluster.partition('t').leader === -1)
    await cluster.join(2)
    expect(cluster.partition('t')).toMatchObject({ leader: 2, isr: [2], recovering: true })
    expect(cluster.activeBroker.membership.elections).toMatchObject({ unclean: 1, total: 1 })
  })

  test('a process that lost its lease, but not its life, stays eligible', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    await createTopics({ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [2] }] })
    cluster.pause(2)
    await cluster.advance(12_000)
    await cluster.until(() => cluster.partition('t').leader === -1)
    cluster.resume(2)
    cluster.brokers.get(2)!.clock.advance(12_000)
    await cluster.until(() => cluster.partition('t').leader === 2)
    expect(cluster.partition('t')).toMatchObject({ isr: [2], recovering: false })
  })

  test('a controller that stood still writes nothing after another has taken over', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const { membership, clock } = cluster.brokers.get(1)!
    const oldController = membership.controller
    cluster.pause(1)
    await cluster.advance(12_000)
    await cluster.until(() => cluster.image.controller?.id === 2)
    // Its process wakes up with the command in hand, its clock still at the moment when it was stopped.
    const late = await oldController.createTopics({
      topics: [newTopic('late')],
      validateOnly: false,
      timeoutMs,
    })
    expect(late[0]).toMatchObject({ error: 'NOT_CONTROLLER' })
    clock.advance(12_000)
    cluster.resume(1)
    await cluster.until(() => cluster.image.brokers.get(1)?.fenced === false)
    expect(cluster.image.topicsByName.has('late')).toBe(false)
    expect(membership.controllerEpoch).toBeUndefined()
  })

  test('a second process with the same id waits until the first is gone', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const first = cluster.brokers.get(2)!
    const joining = cluster.join(2)
    await cluster.advance(4000)
    expect(cluster.image.brokers.get(2)?.epoch).toBe(first.membership.brokerEpoch)
    await cluster.stop(first)
    const second = await cluster.during(joining)
    expect(cluster.image.brokers.get(2)?.epoch).toBe(second.membership.brokerEpoch)
  })
})

describe('what a broker says of itself', () => {
  test('a broker that is cordoned while it runs gets no new replicas, and can be uncordoned', async () => {
    cluster = await OneStoreCluster.start([1])
    let isCordoned = true
    const { membership } = await cluster.join(2, { isCordoned: () => isCordoned })
    await createTopic('a', 4)
    const replicasOf = (topic: string): Set<number> =>
      new Set(cluster.image.topicsByName.get(topic)!.partitions.flatMap(({ replicas }) => [...replicas]))
    expect(replicasOf('a')).toEqual(new Set([1]))
    isCordoned = false
    membership.registrationChanged()
    await cluster.until(() => cluster.image.brokers.get(2)?.cordoned === false)
    await createTopic('b', 4)
    expect(replicasOf('b')).toEqual(new Set([1, 2]))
  })

  test('when a directory of a broker fails, others lead what was in it', async () => {
    cluster = await OneStoreCluster.start([3])
    let directories = ['a', 'b']
    const { membership } = await cluster.join(1, { logDirectories: () => directories })
    await cluster.join(2, { logDirectories: () => ['c'] })
    const replicas = [
      { partitionIndex: 0, brokerIds: [1, 2] },
      { partitionIndex: 1, brokerIds: [1, 2] },
    ]
    await createTopics({ ...newTopic('t', -1, -1), assignments: replicas })
    const topicId = cluster.image.topicsByName.get('t')!.id
    const assignments = ['a', 'b'].map((directory, partitionIndex) => ({
      topicId,
      partitionIndex,
      directory,
    }))
    const { brokerEpoch } = membership
    const told = { brokerId: 1, brokerEpoch: brokerEpoch!, assignments, timeoutMs }
    const result = await cluster.during(cluster.controller.assignDirectories(told))
    expect(result).toMatchObject({ error: 'NONE', results: [{ error: 'NONE' }, { error: 'NONE' }] })
    expect(cluster.partition('t')).toMatchObject({ leader: 1, directories: ['a', 'c'] })
    directories = ['b']
    membership.registrationChanged()
    await cluster.until(() => cluster.partition('t').leader === 2)
    expect(cluster.partition('t')).toMatchObject({ isr: [2], leaderEpoch: 1 })
    expect(cluster.partition('t', 1)).toMatchObject({ leader: 1, isr: [1, 2], leaderEpoch: 0 })
    expect(membership.brokerEpoch).toBe(brokerEpoch)
  })

  test('a release that does not know a feature of the cluster does not join it', async () => {
    cluster = await OneStoreCluster.start([1])
    await cluster.store.commit({ put: [{ key: 'features', value: '{"group.version":1,"later.version":3}' }] })
    await cluster.until(() => cluster.image.features.finalized.has('later.version'))
    await expect(cluster.join(2)).rejects.toThrow('later.version at level 3; this release does not know it')
  })
})

describe('a broker that is about to stop', () => {
  test('hands over what others can lead before it goes, and is not given anything back', async () => {
    cluster = await OneStoreCluster.start([1, 2, 3])
    await createTopic('t', 300, 3)
    await createTopics({
      ...newTopic('single', -1, -1),
      assignments: [{ partitionIndex: 0, brokerIds: [1] }],
    })
    const { membership } = cluster.brokers.get(1)!
    await cluster.during(membership.prepareToStop(10_000))
    const { partitions } = membership.image.topicsByName.get('t')!
    expect(partitions.some(({ leader, isr }) => leader === 1 || leader === -1 || isr.includes(1))).toBe(false)
    expect(cluster.partition('single')).toMatchObject({ leader: 1, isr: [1] })
    await createTopics({ ...newTopic('u', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })
    expect(cluster.partition('u')).toMatchObject({ leader: 2, isr: [2] })
    const { revision } = cluster.image
    await cluster.during(membership.prepareToStop(10_000))
    expect(cluster.image.revision).toBe(revision)
  })

  test('one that is alone stops at once', async () => {
    cluster = await OneStoreCluster.start([1])
    await createTopic('t')
    const { revision } = cluster.image
    await cluster.brokers.get(1)!.membership.prepareToStop(10_000)
    expect(cluster.image.revision).toBe(revision)
  })

  test('without a controller it stops all the same, in time', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    const { membership } = cluster.brokers.get(2)!
    const stopping = membership.prepareToStop(5000)
    await cluster.advance(6000)
    await cluster.during(stopping)
  })

  test('started again, it leads and is in sync as before', async () => {
    cluster = await OneStoreCluster.start([1, 2])
    await createTopics({ ...newTopic('t', -1, -1), assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })
    await cluster.during(cluster.brokers.get(1)!.membership.prepareToStop(10_000))
    await cluster.leave(1)
    await cluster.until(() => cluster.running[0]!.membership.controllerEpoch !== undefined)
    await cluster.join(1)
    expect(cluster.image.brokers.get(1)).toMatchObject({ stopping: false, fenced: false })
    const { leaderEpoch, partitionEpoch } = cluster.partition('t')
    const { id: topicId } = cluster.image.topicsByName.get('t')!
    const brokerEpoch = cluster.image.brokers.get(2)!.epoch
    const newIsr = [1, 2].map(brokerId => ({ brokerId, brokerEpoch: -1 }))
    const item = { topicId, partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, recovering: false }
    await cluster.during(
      cluster.controller.alterPartition({ brokerId: 2, brokerEpoch, partitions: [item], timeoutMs }),
    )
    const elected = await cluster.during(
      cluster.controller.electLeaders({ election: 'preferred', partitions: null, timeoutMs }),
    )
    expect(elected).toMatchObject({
      error: 'NONE',
      partitions: [{ topic: 't', partition: 0, error: 'NONE' }],
    })
    expect(cluster.partition('t')).toMatchObject({ leader: 1, isr: [1, 2] })
  })
})

describe('a broker whose process is known to be dead', () => {
  test('is replaced at once, also as the controller', async () => {
    cluster = await OneStoreCluster.start([1, 2, 3])
    await createTopic('t', 3, 3)
    const before = cluster.image.brokers.get(1)!
    expect(cluster.image.controller?.id).toBe(1)
    cluster.pause(1)
    const { membership } = cluster.brokers.get(2)!
    membership.endDeadRegistration(before)
    await cluster.until(() => membership.image.controller !== null && membership.image.controller.id !== 1)
    await cluster.until(() =>
      membership.image.topicsByName
        .get('t')!
        .partitions.every(({ leader, isr }) => leader > 1 && !isr.includes(1)),
    )
    // It was alive after all: it registers anew, and takes part again.
    cluster.resume(1)
    await cluster.until(() => {
      const again = membership.image.brokers.get(1)
      return again !== undefined && again.epoch > before.epoch && !again.fenced
    })
    expect(cluster.image.controller?.id).not.toBe(1)
  })

  test('is left to stop by itself when it is stopping, and a registration after the dead one is left alone', async () => {
    cluster = await OneStoreCluster.start([1, 2, 3])
    const { epoch } = cluster.image.brokers.get(3)!
    const { membership } = cluster.brokers.get(2)!
    membership.endDeadRegistration({ id: 3, epoch: epoch - 1 })
    const asked = { brokerId: 3, brokerEpoch: epoch, timeoutMs }
    await cluster.during(cluster.controller.prepareToStop(asked))
    await cluster.until(() => membership.image.brokers.get(3)!.stopping)
    membership.endDeadRegistration({ id: 3, epoch })
    await createTopic('later')
    expect(membership.image.brokers.get(3)!.epoch).toBe(epoch)
  })
})
