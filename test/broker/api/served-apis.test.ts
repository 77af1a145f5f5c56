import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Api,
  apiByKey,
  apiVersions,
  describeCluster,
  errorName,
  fetch,
  findCoordinator,
  initProducerId,
  metadata,
  offsetCommit,
  produce,
} from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { batchOf, fetchRequest, produceRequest, topicOf } from '../../support/requests.ts'
import { RunningBroker } from '../../support/running-broker.ts'
import { until } from '../../support/until.ts'

// Everything that ApiVersions offers is asked for, in every version offered, and its answer is read to the last byte.

let broker: RunningBroker
let client: BrokerConnection
let topicId: string
const group = 'served-group'

beforeAll(async () => {
  broker = await RunningBroker.start({
    settings: { 'offsets.topic.replication.factor': '1', 'offsets.topic.num.partitions': '1' },
  })
  client = await broker.connect()
  topicId = await topicOf(client, 'served')
  await until(async () => {
    const { coordinators } = await client.request(findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: [group],
    })
    return coordinators[0]?.errorCode === 0
  }, 'the group has a coordinator')
  await until(async () => {
    const answer = await client.request(offsetCommit, 2, {
      groupId: group,
      memberId: '',
      topics: committed(2),
    })
    return answer.topics[0]?.partitions[0]?.errorCode === 0
  }, 'the group has a position')
})

afterAll(() => broker.remove())

type Ask = (version: number) => Readonly<Record<string, unknown>>

const partition = { partitionIndex: 0 }
const topicResource = { resourceType: 2, resourceName: 'served' }

/** A request that succeeds, by the name of its API. Fields that a version lacks are left out by name where it matters. */
const sensible: Readonly<Record<string, Ask>> = {
  ApiVersions: version => (version >= 3 ? { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' } : {}),
  Metadata: () => ({ topics: [{ name: 'served' }] }),
  DescribeCluster: () => ({ includeClusterAuthorizedOperations: true }),
  DescribeTopicPartitions: () => ({ topics: [{ name: 'served' }], responsePartitionLimit: 10, cursor: null }),
  Produce: version => ({
    ...produceRequest('served', batchOf(['a']), version >= 13 ? { topicId } : {}),
  }),
  Fetch: version => ({ ...fetchRequest('served', { version, topicId }) }),
  ListOffsets: () => ({
    replicaId: -1,
    topics: [{ name: 'served', partitions: [{ ...partition, timestamp: -1 }] }],
  }),
  OffsetForLeaderEpoch: () => ({
    topics: [{ topic: 'served', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  }),
  DeleteRecords: () => ({
    topics: [{ name: 'served', partitions: [{ ...partition, offset: 0 }] }],
    timeoutMs: 1000,
  }),
  AlterPartitionReassignments: () => ({
    topics: [{ name: 'served', partitions: [{ partitionIndex: 0, replicas: [1] }] }],
    timeoutMs: 10_000,
  }),
  ListPartitionReassignments: () => ({ topics: null, timeoutMs: 10_000 }),
  UnregisterBroker: () => ({ brokerId: 9 }),
  UpdateFeatures: () => ({
    featureUpdates: [{ feature: 'group.version', maxVersionLevel: 1 }],
    timeoutMs: 10_000,
  }),
  ElectLeaders: () => ({ electionType: 0, topicPartitions: null, timeoutMs: 10_000 }),
  DescribeProducers: () => ({ topics: [{ name: 'served', partitionIndexes: [0] }] }),
  InitProducerId: () => ({ transactionalId: null, transactionTimeoutMs: 0 }),
  CreateTopics: version => ({
    topics: [
      {
        name: `made-by-v${version}`,
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: 'retention.ms', value: '1000' }],
      },
    ],
    timeoutMs: 10_000,
  }),
  CreatePartitions: version => ({
    topics: [{ name: 'made-by-v7', count: 3 + version, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  }),
  DeleteTopics: version =>
    version >= 6
      ? { topics: [{ name: `made-by-v${version}` }], timeoutMs: 10_000 }
      : { topicNames: version === 1 ? [] : [`made-by-v${version}`], timeoutMs: 10_000 },
  DescribeConfigs: version => ({
    resources: [
      { ...topicResource, configurationKeys: null },
      { resourceType: 4, resourceName: '1', configurationKeys: null },
    ],
    includeSynonyms: true,
    ...(version >= 3 ? { includeDocumentation: true } : {}),
  }),
  AlterConfigs: () => ({
    resources: [{ ...topicResource, configs: [{ name: 'retention.ms', value: '2000' }] }],
    validateOnly: false,
  }),
  IncrementalAlterConfigs: () => ({
    resources: [{ ...topicResource, configs: [{ name: 'retention.ms', configOperation: 0, value: '3000' }] }],
    validateOnly: false,
  }),
  FindCoordinator: version => (version >= 4 ? { keyType: 0, coordinatorKeys: [group] } : { key: group }),
  JoinGroup: () => ({
    groupId: group,
    sessionTimeoutMs: 10_000,
    memberId: 'nobody',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  }),
  SyncGroup: version => ({
    groupId: group,
    generationId: 1,
    memberId: 'nobody',
    assignments: [],
    ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
  }),
  Heartbeat: () => ({ groupId: group, generationId: 1, memberId: 'nobody' }),
  LeaveGroup: version => ({
    groupId: group,
    ...(version >= 3 ? { members: [{ memberId: 'nobody' }] } : { memberId: 'nobody' }),
  }),
  OffsetCommit: version => ({ groupId: group, memberId: '', topics: committed(version) }),
  OffsetFetch: version => {
    const topic = version >= 10 ? { topicId } : { name: 'served' }
    const topics = [{ ...topic, partitionIndexes: [0] }]
    return version >= 8 ? { groups: [{ groupId: group, topics }] } : { groupId: group, topics }
  },
  OffsetDelete: () => ({
    groupId: group,
    topics: [{ name: 'served', partitions: [{ partitionIndex: 0 }] }],
  }),
  ListGroups: () => ({}),
  DescribeGroups: () => ({ groups: [group] }),
  DeleteGroups: () => ({ groupsNames: ['no-such-group'] }),
  ConsumerGroupHeartbeat: () => ({ groupId: 'no-such-group', memberId: 'nobody', memberEpoch: 1 }),
  ConsumerGroupDescribe: () => ({ groupIds: ['no-such-group'], includeAuthorizedOperations: false }),
  DescribeLogDirs: () => ({ topics: null }),
  AlterReplicaLogDirs: () => ({
    dirs: [{ path: `${broker.directory}/data`, topics: [{ name: 'served', partitions: [0] }] }],
  }),
}

/** What is asked in the name of a member, group or broker that is not there is answered with just this error. */
const expectedErrors: Readonly<Record<string, string>> = {
  JoinGroup: 'UNKNOWN_MEMBER_ID',
  SyncGroup: 'UNKNOWN_MEMBER_ID',
  Heartbeat: 'UNKNOWN_MEMBER_ID',
  LeaveGroup: 'UNKNOWN_MEMBER_ID',
  DeleteGroups: 'GROUP_ID_NOT_FOUND',
  ConsumerGroupHeartbeat: 'GROUP_ID_NOT_FOUND',
  ConsumerGroupDescribe: 'GROUP_ID_NOT_FOUND',
  UnregisterBroker: 'BROKER_ID_NOT_REGISTERED',
}

function committed(version: number) {
  return [
    {
      ...(version >= 10 ? { topicId } : { name: 'served' }),
      partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'here' }],
    },
  ]
}

/** The order in which they are asked, where one needs what another made. */
function ordered(keys: readonly number[]): number[] {
  const late = [47, 37, 20]
  return [...keys.filter(key => !late.includes(key)), ...late.filter(key => keys.includes(key))]
}

test('every API that is offered answers without an error in every version that is offered', async () => {
  const offered = (await client.request(apiVersions, 0, {})).apiKeys
  const ranges = new Map(offered.map(range => [range.apiKey, range]))
  const problems: string[] = []
  for (const key of ordered([...ranges.keys()])) {
    const api = apiByKey(key)
    const range = ranges.get(key)
    if (api === undefined || range === undefined) throw new Error(`${key} is offered but not declared.`)
    const ask = sensible[api.name]
    expect(ask, `this test has no request for ${api.name}`).toBeDefined()
    for (let version = Math.max(range.minVersion, api.versions.min); version <= range.maxVersion; version++) {
      const problem = await problemOf(api, version, ask?.(version) ?? {})
      if (problem !== expectedErrors[api.name]) problems.push(`${api.name} v${version}: ${problem}`)
    }
  }
  expect(problems).toEqual([])
  expect(broker.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
})

/** Sends on the shared connection: when that is closed, everything after it fails too. */
async function problemOf(
  api: Api,
  version: number,
  request: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  // The table above has a request of each API by its name; its fields are checked when it is encoded.
  const answer: unknown = await client.request(api, version, request as never)
  const codes = [...errorCodesIn(answer)].filter(code => code !== 0)
  return codes.length === 0 ? undefined : codes.map(errorName).join(', ')
}

function* errorCodesIn(value: unknown): Generator<number> {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'number' && /errorCode$/i.test(name)) yield inner
    else yield* errorCodesIn(inner)
  }
}

test('what is offered is what an Apache Kafka 4.3 broker offers of the same APIs', async () => {
  const { apiKeys } = await client.request(apiVersions, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  })
  const range = (key: number) => apiKeys.find(({ apiKey }) => apiKey === key)
  expect(range(produce.key)).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
  expect(range(fetch.key)).toEqual({ apiKey: 1, minVersion: 4, maxVersion: 18 })
  expect(range(metadata.key)).toEqual({ apiKey: 3, minVersion: 0, maxVersion: 13 })
  expect(range(initProducerId.key)?.maxVersion).toBe(5)
  expect(range(describeCluster.key)?.maxVersion).toBe(2)
})

test('a version that is not served closes the connection', async () => {
  for (const [api, version] of [
    [produce, 2],
    [fetch, 3],
    [metadata, 14],
  ] as const) {
    const other = await broker.connect()
    const frame = Buffer.alloc(18)
    frame.writeInt32BE(14, 0)
    frame.writeInt16BE(api.key, 4)
    frame.writeInt16BE(version, 6)
    frame.writeInt32BE(1, 8)
    frame.writeInt16BE(-1, 12)
    other.send(frame)
    await other.closed
  }
  expect((await client.request(apiVersions, 0, {})).errorCode).toBe(0)
})
