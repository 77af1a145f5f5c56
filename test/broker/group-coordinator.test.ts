import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  consumerGroupHeartbeat,
  describeGroups,
  errorName,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  metadata,
  syncGroup,
} from '../../protocol/index.ts'
import type { BrokerConnection } from '../support/broker-connection.ts'
import { commit, committed, coordinatorOf, groupBrokerSettings, versions } from '../support/group-requests.ts'
import { batchOf, produceTo, topicOf } from '../support/requests.ts'
import { RunningBroker } from '../support/running-broker.ts'
import { until } from '../support/until.ts'

/** Groups through a whole broker, byte by byte as clients of every version speak. */

let broker: RunningBroker
let client: BrokerConnection
let topicId: string

beforeAll(async () => {
  broker = await RunningBroker.start({ settings: groupBrokerSettings })
  client = await broker.connect()
  topicId = await topicOf(client, 't', { partitions: 4 })
  await coordinatorOf(client, 'any')
})

afterAll(() => broker.remove())

async function join(groupId: string, version: number, given: { memberId?: string; instance?: string } = {}) {
  const connection = await broker.connect()
  const answer = await connection.request(joinGroup, version, {
    groupId,
    sessionTimeoutMs: 30_000,
    ...(version >= 1 ? { rebalanceTimeoutMs: 60_000 } : {}),
    memberId: given.memberId ?? '',
    ...(version >= 5 ? { groupInstanceId: given.instance ?? null } : {}),
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('wants t') }],
  })
  return answer
}

async function sync(groupId: string, version: number, memberId: string, generationId: number) {
  return client.request(syncGroup, version, {
    groupId,
    generationId,
    memberId,
    ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
    assignments: [{ memberId, assignment: Buffer.from('all of t') }],
  })
}

test.each(versions(0, 9))('JoinGroup v%i: in, and after v3 not before it knows its id', async version => {
  const groupId = `join-${version}`
  let answer = await join(groupId, version)
  if (version >= 4) {
    expect(errorName(answer.errorCode)).toBe('MEMBER_ID_REQUIRED')
    answer = await join(groupId, version, { memberId: answer.memberId })
  }
  expect(answer).toMatchObject({
    errorCode: 0,
    generationId: 1,
    protocolName: 'range',
    leader: answer.memberId,
    protocolType: version >= 7 ? 'consumer' : null,
    members: [{ memberId: answer.memberId, metadata: Buffer.from('wants t') }],
  })
})

test.each([0, 6, 7, 9])('JoinGroup v%i: a refusal has no protocol', async version => {
  const answer = await join('never-made', version, { memberId: 'who' })
  expect(errorName(answer.errorCode)).toBe('UNKNOWN_MEMBER_ID')
  expect(answer.protocolName).toBe(version >= 7 ? null : '')
  expect(answer.generationId).toBe(-1)
})

test.each(versions(0, 5))('SyncGroup v%i, Heartbeat and LeaveGroup: a whole life', async version => {
  const groupId = `life-${version}`
  const { memberId } = await join(groupId, 3)
  expect(await sync(groupId, version, memberId, 1)).toMatchObject({
    errorCode: 0,
    assignment: Buffer.from('all of t'),
  })
  const beatVersion = Math.min(version, 4)
  expect(await client.request(heartbeat, beatVersion, { groupId, generationId: 1, memberId })).toMatchObject({
    errorCode: 0,
  })
  const wrong = await client.request(heartbeat, beatVersion, { groupId, generationId: 7, memberId })
  expect(errorName(wrong.errorCode)).toBe('ILLEGAL_GENERATION')
  const leave = async () =>
    client.request(leaveGroup, version, {
      groupId,
      ...(version >= 3
        ? { members: [{ memberId }, { memberId: '', groupInstanceId: 'nobody' }] }
        : { memberId }),
    })
  const left = await leave()
  expect(left.errorCode).toBe(0)
  if (version >= 3)
    expect(left.members.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'UNKNOWN_MEMBER_ID'])
  const again = await leave()
  expect(errorName(version >= 3 ? (again.members[0]?.errorCode ?? -1) : again.errorCode)).toBe(
    'UNKNOWN_MEMBER_ID',
  )
})

test('SyncGroup v5 without the protocol is refused', async () => {
  const answer = await client.request(syncGroup, 5, {
    groupId: 'g',
    generationId: 1,
    memberId: 'm',
    assignments: [],
  })
  expect(errorName(answer.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL')
})

test.each(versions(0, 6))('FindCoordinator v%i names this broker', async version => {
  const answer = await client.request(
    findCoordinator,
    version,
    version >= 4 ? { coordinatorKeys: ['g', 'h'] } : { key: 'g' },
  )
  const found = version >= 4 ? answer.coordinators : [answer]
  expect(found).toHaveLength(version >= 4 ? 2 : 1)
  for (const { errorCode, nodeId, host, port } of found) {
    expect({ errorCode, nodeId, host, port }).toEqual({
      errorCode: 0,
      nodeId: 1,
      host: '127.0.0.1',
      port: broker.port,
    })
  }
})

test('FindCoordinator: what there is no coordinator for', async () => {
  const ask = async (version: number, keyType: number, key: string) => {
    const answer = await client.request(findCoordinator, version, { keyType, coordinatorKeys: [key] })
    const { errorCode, nodeId, host, port } = answer.coordinators[0]!
    expect([nodeId, host, port]).toEqual([-1, '', -1])
    return errorName(errorCode)
  }
  expect(await ask(6, 3, 'x')).toBe('INVALID_REQUEST')
  expect(await ask(5, 2, `g:${topicId}:0`)).toBe('INVALID_REQUEST')
  expect(await ask(6, 2, 'g:not-an-id:0')).toBe('INVALID_REQUEST')
  expect(await ask(6, 2, `g:${topicId}:0`)).toBe('COORDINATOR_NOT_AVAILABLE')
  expect(await ask(6, 1, 'some-transaction')).toBe('COORDINATOR_NOT_AVAILABLE')
})

test.each(versions(0, 6))(
  'DescribeGroups v%i: members of a stable group, and one that is not there',
  async version => {
    const groupId = `describe-${version}`
    const { memberId } = await join(groupId, 5, { instance: 'i' })
    await sync(groupId, 3, memberId, 1)
    const answer = await client.request(describeGroups, version, {
      groups: [groupId, 'nobody'],
      ...(version >= 3 ? { includeAuthorizedOperations: true } : {}),
    })
    const [described, missing] = answer.groups
    expect(described).toMatchObject({
      errorCode: 0,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [{ memberId, clientHost: '/127.0.0.1', memberAssignment: Buffer.from('all of t') }],
    })
    if (version >= 4) expect(described?.members[0]?.groupInstanceId).toBe('i')
    if (version >= 3) expect(described?.authorizedOperations).toBe((1 << 3) | (1 << 6) | (1 << 8))
    expect(missing).toMatchObject({ groupState: 'Dead', members: [] })
    expect(errorName(missing?.errorCode ?? 0)).toBe(version >= 6 ? 'GROUP_ID_NOT_FOUND' : 'NONE')
    if (version >= 6) expect(missing?.errorMessage).toBe('Group nobody not found.')
  },
)

test.each(versions(0, 5))('ListGroups v%i', async version => {
  await commit(client, 9, 'listed', 1)
  const { memberId } = await join('listed-stable', 5, { instance: 'i' })
  await sync('listed-stable', 3, memberId, 1)
  const answer = await client.request(listGroups, version, {
    ...(version >= 4 ? { statesFilter: ['empty'] } : {}),
    ...(version >= 5 ? { typesFilter: ['CLASSIC'] } : {}),
  })
  const found = answer.groups.find(({ groupId }) => groupId === 'listed')
  expect(found).toMatchObject({ protocolType: '', ...(version >= 4 ? { groupState: 'Empty' } : {}) })
  if (version >= 5) expect(found?.groupType).toBe('classic')
  expect(answer.groups.some(({ groupId }) => groupId === 'listed-stable')).toBe(version < 4)
})

test('a classic member takes over a newer group that nobody is in, with its positions', async () => {
  const groupId = 'taken-over'
  const beat = async (memberEpoch: number) =>
    client.request(consumerGroupHeartbeat, 1, {
      groupId,
      memberId: 'm',
      memberEpoch,
      ...(memberEpoch === 0
        ? { rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['t'], topicPartitions: [] }
        : {}),
    })
  const typeOf = async (): Promise<string | undefined> =>
    (await client.request(listGroups, 5, {})).groups.find(group => group.groupId === groupId)?.groupType
  expect(errorName((await beat(0)).errorCode)).toBe('NONE')
  expect(await typeOf()).toBe('consumer')
  expect(errorName((await beat(-1)).errorCode)).toBe('NONE')
  expect(await commit(client, 9, groupId, 5)).toBe('NONE')

  const refused = await join(groupId, 3, { memberId: 'who' })
  expect(errorName(refused.errorCode)).toBe('UNKNOWN_MEMBER_ID')
  expect(await typeOf()).toBe('consumer')
  const { memberId, errorCode } = await join(groupId, 3)
  expect(errorName(errorCode)).toBe('NONE')
  expect((await sync(groupId, 3, memberId, 1)).errorCode).toBe(0)
  expect(await typeOf()).toBe('classic')
  expect((await committed(client, 9, groupId))?.[0]).toEqual([5, 'note'])
})

test('the topic of groups is internal, compacted and as wide as it is set to be', async () => {
  const { topics } = await client.request(metadata, 9, { topics: [{ name: '__consumer_offsets' }] })
  expect(topics[0]).toMatchObject({ isInternal: true, errorCode: 0 })
  expect(topics[0]?.partitions).toHaveLength(3)
})

test('dashboards see members, positions and lag', async () => {
  await commit(client, 9, 'seen', 0)
  const labels = '{consumergroup="seen",topic="t",partition="1"}'
  const text = await broker.metric()
  expect(text).toContain(`kafka_consumergroup_current_offset${labels} 0`)
  expect(text).toContain(`kafka_consumergroup_lag${labels} 0`)
  expect(text).toContain(`kafka_consumergroup_lag_seconds${labels} 0`)
  expect(text).toContain('kafka_consumergroup_members{consumergroup="seen"} 0')
  const hourAgo = Date.now() - 3_600_000
  await produceTo(client, 't', batchOf(['x'], { timestamp: hourAgo }), { partition: 1 })
  const behind = await broker.metric()
  expect(behind).toContain(`kafka_consumergroup_lag${labels} 1`)
  const seconds = behind.split('\n').find(line => line.startsWith(`kafka_consumergroup_lag_seconds${labels}`))
  expect(Number(seconds?.split(' ')[1])).toBeGreaterThanOrEqual(3600)
  expect(text).toMatch(/barnabas_groups\{type="classic",state="Stable"\} \d/)
})

test('a broker that was killed has its groups, generations and positions again', async () => {
  const first = await RunningBroker.start({ settings: groupBrokerSettings })
  const before = await first.connect()
  await topicOf(before, 't', { partitions: 4 })
  await coordinatorOf(before, 'g')
  const joined = await before.request(joinGroup, 3, {
    groupId: 'g',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
  })
  const { memberId } = joined
  await before.request(syncGroup, 3, {
    groupId: 'g',
    generationId: 1,
    memberId,
    assignments: [{ memberId, assignment: Buffer.from('a') }],
  })
  for (let offset = 1; offset <= 50; offset++)
    expect(await commit(before, 9, 'g', offset, { member: memberId })).toBe('NONE')

  const second = await first.killAndStart()
  const after = await second.connect()
  await coordinatorOf(after, 'g')
  expect(await committed(after, 9, 'g')).toEqual([
    [50, 'note'],
    [-1, ''],
  ])
  expect((await after.request(heartbeat, 4, { groupId: 'g', generationId: 1, memberId })).errorCode).toBe(0)
  expect(await commit(after, 9, 'g', 51, { member: memberId })).toBe('NONE')
  const stale = await after.request(heartbeat, 4, { groupId: 'g', generationId: 0, memberId })
  expect(errorName(stale.errorCode)).toBe('ILLEGAL_GENERATION')
  await second.remove()
})

test('a stop does not wait for members that wait', async () => {
  const stopping = await RunningBroker.start({
    settings: { ...groupBrokerSettings, 'group.initial.rebalance.delay.ms': '60000' },
  })
  const asking = await stopping.connect()
  await coordinatorOf(asking, 'g')
  const waiting = asking.request(joinGroup, 3, {
    groupId: 'g',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
  })
  const other = await stopping.connect()
  for (;;) {
    const { groups } = await other.request(listGroups, 4, {})
    if (groups.length > 0) break
  }
  const [answer] = await Promise.all([waiting, stopping.broker.stop()])
  expect(errorName(answer.errorCode)).toBe('NOT_COORDINATOR')
  await stopping.remove()
})

test('with fewer brokers than replicas asked for there is no coordinator, and the reason is logged', async () => {
  const poor = await RunningBroker.start({
    settings: { ...groupBrokerSettings, 'offsets.topic.replication.factor': '3' },
  })
  const asking = await poor.connect()
  for (let attempt = 0; attempt < 5; attempt++) {
    const { errorCode } = await asking.request(findCoordinator, 3, { key: 'g' })
    expect(errorName(errorCode)).toBe('COORDINATOR_NOT_AVAILABLE')
  }
  await until(
    () => poor.lines.some(({ error }) => error === 'INVALID_REPLICATION_FACTOR'),
    'the reason is logged',
  )
  await poor.remove()
})
