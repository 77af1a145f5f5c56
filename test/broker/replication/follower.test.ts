import { afterEach, expect, test } from 'vitest'
import { deleteRecords, errorName, fetch, produce } from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import {
  bytesOf,
  heldBy,
  inSync,
  logOf,
  replicatedTopic,
  rolesOf,
  write,
} from '../../support/replicated-topic.ts'
import {
  batchOf,
  fetchFrom,
  fetchRequest,
  produceRequest,
  produceTo,
  readAll,
} from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster

afterEach(() => cluster.remove())

test('three brokers hold the same bytes, and acks=all waits for them', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 3)
  const { leader } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['a', 'b', 'c'])
  for (const id of [1, 2, 3]) {
    // The leader has answered, so it is there; the watermark follows.
    expect(logOf(cluster, id, 'topic').logEndOffset).toBe(3)
    expect(await heldBy(cluster, id, 'topic', 3)).toEqual(['a', 'b', 'c'])
    expect(bytesOf(cluster, id, 'topic').equals(bytesOf(cluster, leader, 'topic'))).toBe(true)
  }
})

test('a broker that was away catches up and is back in the in-sync set', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 3, { 'min.insync.replicas': '2' })
  await cluster.leave(3)
  await inSync(client, 'topic', 2)
  const { leader } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['a', 'b', 'c'])
  await cluster.join(3)
  await inSync(client, 'topic', 3)
  expect(await heldBy(cluster, 3, 'topic', 3)).toEqual(['a', 'b', 'c'])
})

test('when the leader goes another one leads with everything that was acknowledged, and the others follow it', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 3, { 'min.insync.replicas': '2' })
  const before = await rolesOf(client, 'topic')
  await write(cluster, before.leader, 'topic', ['a', 'b'])
  await cluster.leave(before.leader)
  const other = await cluster.broker(before.followers[0]!).connect()
  await until(async () => (await rolesOf(other, 'topic')).leader !== before.leader, 'another one leads')
  const { leader } = await rolesOf(other, 'topic')
  await until(async () => {
    const { error } = await produceTo(await cluster.broker(leader).connect(), 'topic', batchOf(['c']))
    return error === 'NONE'
  }, 'the new leader takes records')
  for (const id of before.followers) expect(await heldBy(cluster, id, 'topic', 3)).toEqual(['a', 'b', 'c'])
  await cluster.join(before.leader)
  await inSync(other, 'topic', 3)
  expect(await heldBy(cluster, before.leader, 'topic', 3)).toEqual(['a', 'b', 'c'])
})

test('records that only the old leader had are cut off when it follows', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  const other = followers[0]!
  await write(cluster, leader, 'topic', ['a', 'b'])
  expect(await heldBy(cluster, other, 'topic', 2)).toEqual(['a', 'b'])
  // The follower goes, and the leader writes alone what nobody else gets.
  await cluster.leave(other)
  await inSync(await cluster.broker(leader).connect(), 'topic', 1)
  await write(cluster, leader, 'topic', ['lost', 'lost too'], 1)
  await cluster.leave(leader)
  // Without the old leader the other one can lead only uncleanly.
  await cluster.join(other, { 'unclean.leader.election.enable': 'true' })
  const alone = await cluster.broker(other).connect()
  await until(async () => (await rolesOf(alone, 'topic')).leader === other, 'the other one leads', 20_000)
  await until(async () => {
    const { error } = await produceTo(alone, 'topic', batchOf(['c']), { acks: 1 })
    return error === 'NONE'
  }, 'it takes records')
  await cluster.join(leader, { 'unclean.leader.election.enable': 'true' })
  await inSync(alone, 'topic', 2)
  expect(await heldBy(cluster, leader, 'topic', 3)).toEqual(['a', 'b', 'c'])
  expect(bytesOf(cluster, leader, 'topic').equals(bytesOf(cluster, other, 'topic'))).toBe(true)
  const told = cluster.broker(leader).lines.find(({ msg }) => String(msg).includes('cuts off records'))
  expect(told).toMatchObject({ offset: 2, endOffset: 4, lost: { from: 2, to: 4 } })
})

test('a follower that is behind the start of its leader begins anew there', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  const other = followers[0]!
  await write(cluster, leader, 'topic', ['a', 'b'])
  await heldBy(cluster, other, 'topic', 2)
  await cluster.leave(other)
  await inSync(await cluster.broker(leader).connect(), 'topic', 1)
  await write(cluster, leader, 'topic', ['c', 'd', 'e'])
  logOf(cluster, leader, 'topic').deleteRecordsBefore(4)
  await cluster.join(other)
  await inSync(await cluster.broker(leader).connect(), 'topic', 2)
  expect(logOf(cluster, other, 'topic').logStartOffset).toBe(4)
  const follower = await cluster.broker(other).connect()
  await until(
    async () => (await fetchFrom(follower, 'topic', { offset: 4 })).highWatermark === 5,
    'it is known',
  )
  expect(await readAll(follower, 'topic', { offset: 4 })).toEqual(['e'])
})

test('records are deleted when all replicas have deleted them; one that does not answer runs out the time', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['a', 'b', 'c'])
  const onLeader = await cluster.broker(leader).connect()
  const deleteBefore = async (offset: number, timeoutMs: number) => {
    const request = { topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, offset }] }], timeoutMs }
    const answer = await onLeader.request(deleteRecords, 2, request)
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    return [errorName(errorCode), lowWatermark]
  }
  expect(await deleteBefore(2, 10_000)).toEqual(['NONE', 2])
  expect(logOf(cluster, followers[0]!, 'topic').logStartOffset).toBe(2)
  await cluster.broker(followers[0]!).broker.replication.followers.stop()
  expect(await deleteBefore(3, 50)).toEqual(['REQUEST_TIMED_OUT', -1])
})

test('a follower that stands still leaves the in-sync set, and acks=all goes on without it', async () => {
  cluster = await RunningCluster.start([1, 2], {
    'replica.lag.time.max.ms': '1000',
    'replica.fetch.wait.max.ms': '200',
  })
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['a'])
  const stuck = cluster.broker(followers[0]!)
  await stuck.broker.replication.followers.stop()
  await write(cluster, leader, 'topic', ['b'])
  const leaderClient = await cluster.broker(leader).connect()
  await inSync(leaderClient, 'topic', 1)
  expect(await heldBy(cluster, leader, 'topic', 2)).toEqual(['a', 'b'])
  expect(logOf(cluster, followers[0]!, 'topic').logEndOffset).toBe(1)
  const shrinks = /^kafka_server_replicamanager_isrshrinks_total (\d+)$/m.exec(
    await cluster.broker(leader).metric(),
  )
  expect(shrinks?.[1]).toBe('1')
})

test('a replica that a broker on a listener of clients asks for is not given', async () => {
  cluster = await RunningCluster.start([1, 2], {
    listeners: 'PLAINTEXT://127.0.0.1:0,BETWEEN://127.0.0.1:0',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,BETWEEN:PLAINTEXT',
    'inter.broker.listener.name': 'BETWEEN',
  })
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['a'])
  const onLeader = await cluster.broker(leader).connect()
  const { error } = await fetchFrom(onLeader, 'topic', { offset: 1, replicaId: followers[0]! })
  expect(error).toBe('TOPIC_AUTHORIZATION_FAILED')
})

test('consumers are sent to the replica in their rack, and that serves them up to the watermark', async () => {
  cluster = await RunningCluster.start([])
  const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
  for (const id of [1, 2]) {
    await cluster.join(id, { 'broker.rack': `rack-${id}`, 'replica.selector.class': selector })
  }
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  const near = followers[0]!
  await write(cluster, leader, 'topic', ['a', 'b'])
  await heldBy(cluster, near, 'topic', 2)
  const onLeader = await cluster.broker(leader).connect()
  const ask = async (connection: BrokerConnection, rackId: string) => {
    const answer = await connection.request(fetch, 12, { ...fetchRequest('topic'), rackId })
    return answer.responses[0]!.partitions[0]!
  }
  expect(await ask(onLeader, `rack-${near}`)).toMatchObject({
    errorCode: 0,
    preferredReadReplica: near,
    records: Buffer.alloc(0),
  })
  expect(await ask(onLeader, `rack-${leader}`)).toMatchObject({ preferredReadReplica: -1 })
  const there = await ask(await cluster.broker(near).connect(), `rack-${near}`)
  expect([there.preferredReadReplica, there.highWatermark, there.records?.length]).toEqual([
    -1,
    2,
    bytesOf(cluster, leader, 'topic').length,
  ])
  // Clients that cannot be sent anywhere are told to find the leader.
  const old = await fetchFrom(await cluster.broker(near).connect(), 'topic', { version: 10 })
  expect(old.error).toBe('NOT_LEADER_OR_FOLLOWER')
})

test('who asks the wrong broker is told the right one and where it listens', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2)
  const { leader, followers } = await rolesOf(client, 'topic')
  const wrong = await cluster.broker(followers[0]!).connect()
  const answer = await wrong.request(produce, 12, produceRequest('topic', batchOf(['a'])))
  expect(answer.responses[0]?.partitionResponses[0]?.currentLeader).toMatchObject({ leaderId: leader })
  expect(answer.nodeEndpoints).toEqual([
    { nodeId: leader, host: '127.0.0.1', port: cluster.broker(leader).port, rack: null },
  ])
})

test('where every record is synced before it counts, followers wait for their disks', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2, { 'flush.messages': '1' })
  const { leader, followers } = await rolesOf(client, 'topic')
  await write(cluster, leader, 'topic', ['a', 'b', 'c'])
  const { recoveryPoint, logEndOffset } = logOf(cluster, followers[0]!, 'topic')
  expect([recoveryPoint, logEndOffset]).toEqual([3, 3])
})

test('a topic that is made while followers wait for records is copied at once', async () => {
  cluster = await RunningCluster.start([1, 2], { 'replica.fetch.wait.max.ms': '25000' })
  const client = await cluster.broker(1).connect()
  for (const topic of ['first', 'second']) {
    await replicatedTopic(client, topic, 2)
    const { leader } = await rolesOf(client, topic)
    await write(cluster, leader, topic, ['a'])
  }
})

test('a replica that catches up takes no more than it is allowed, and gets there', async () => {
  cluster = await RunningCluster.start([1, 2], {
    'leader.replication.throttled.rate': '200000',
    'follower.replication.throttled.rate': '200000',
  })
  const client = await cluster.broker(1).connect()
  await replicatedTopic(client, 'topic', 2, {
    'leader.replication.throttled.replicas': '*',
    'follower.replication.throttled.replicas': '*',
  })
  const { leader, followers } = await rolesOf(client, 'topic')
  const other = followers[0]!
  await cluster.leave(other)
  await inSync(await cluster.broker(leader).connect(), 'topic', 1)
  const half = 'x'.repeat(200_000)
  await write(cluster, leader, 'topic', [half, half])
  await cluster.join(other, { 'replica.fetch.max.bytes': '1000' })
  await inSync(await cluster.broker(leader).connect(), 'topic', 2)
  expect(bytesOf(cluster, other, 'topic').equals(bytesOf(cluster, leader, 'topic'))).toBe(true)
})
