import { afterEach, describe, expect, test } from 'vitest'
import {
  createPartitions,
  deleteTopics,
  describeCluster,
  errorName,
  zeroUuid,
} from '../../../protocol/index.ts'
import type { BrokerConnection } from '../../support/broker-connection.ts'
import { createTopic, metadataOf, newProducerId, resource, setConfigs } from '../../support/requests.ts'
import { release } from '../../../broker/release.ts'
import { controlTool } from '../../support/control-tool.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster

afterEach(() => cluster.remove())

async function growTopic(client: BrokerConnection, name: string, count: number): Promise<string> {
  const topics = [{ name, count, assignments: null }]
  const { results } = await client.request(createPartitions, 3, {
    topics,
    timeoutMs: 10_000,
    validateOnly: false,
  })
  return errorName(results[0]?.errorCode ?? -1)
}

async function deleteTopic(client: BrokerConnection, name: string): Promise<string> {
  const topics = [{ name, topicId: zeroUuid }]
  const { responses } = await client.request(deleteTopics, 6, { topics, timeoutMs: 10_000 })
  return errorName(responses[0]?.errorCode ?? -1)
}

async function partitionsSeen(client: BrokerConnection, name: string): Promise<number | undefined> {
  const { topics } = await metadataOf(client, [name])
  return topics[0]?.errorCode === 0 ? topics[0].partitions.length : undefined
}

describe('admin requests sent to any broker', () => {
  test('are carried out by the controller, and that broker knows of it when it answers', async () => {
    cluster = await RunningCluster.start([1, 2, 3])
    const client = await cluster.broker(2).connect()

    const created = await createTopic(client, 'orders', {
      partitions: 3,
      configs: { 'retention.ms': '5000' },
    })
    expect(created).toMatchObject({ error: 'NONE', numPartitions: 3, replicationFactor: 1 })
    expect(created.configs).toContainEqual(expect.objectContaining({ name: 'retention.ms', value: '5000' }))
    expect(await partitionsSeen(client, 'orders')).toBe(3)

    expect(await growTopic(client, 'orders', 5)).toBe('NONE')
    expect(await partitionsSeen(client, 'orders')).toBe(5)
    expect(await setConfigs(client, resource.topic, 'orders', { 'retention.ms': '6000' })).toMatchObject({
      error: 'NONE',
    })
    expect(await deleteTopic(client, 'orders')).toBe('NONE')
    expect(await partitionsSeen(client, 'orders')).toBeUndefined()
  })

  test('get the errors and the sentences that the controller has for them', async () => {
    cluster = await RunningCluster.start([1, 2])
    const client = await cluster.broker(2).connect()
    await createTopic(client, 'orders')
    expect(await createTopic(client, 'orders')).toMatchObject({ error: 'TOPIC_ALREADY_EXISTS' })
    expect(await createTopic(client, 'a b')).toMatchObject({
      error: 'INVALID_TOPIC_EXCEPTION',
      errorMessage: expect.stringContaining("The topic name 'a b' is invalid"),
    })
    expect(await setConfigs(client, resource.topic, 'orders', { 'no.such': '1' })).toMatchObject({
      error: 'INVALID_CONFIG',
    })
  })

  test('come to no harm when the controller leaves: they wait for the next one', async () => {
    cluster = await RunningCluster.start([1, 2, 3])
    const second = await cluster.broker(2).connect()
    const third = await cluster.broker(3).connect()
    const leaving = cluster.leave(1)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => createTopic(at % 2 === 0 ? second : third, `t${at}`)),
    )
    await leaving
    expect(answers.map(({ error }) => error)).toEqual(answers.map(() => 'NONE'))
  })

  test('are answered within their time when there is no controller', async () => {
    cluster = await RunningCluster.start([1, 2])
    const client = await cluster.broker(2).connect()
    cluster.cutFromStore(1)
    cluster.cutFromStore(2)
    await cluster.untilController(id => id === null)
    const topics = [{ name: 'orders', count: 2, assignments: null }]
    const answer = await client.request(createPartitions, 3, { topics, timeoutMs: 300, validateOnly: false })
    expect(errorName(answer.results[0]?.errorCode ?? -1)).toMatch(/^(NOT_CONTROLLER|REQUEST_TIMED_OUT)$/)
    expect(answer.results[0]?.errorMessage).toMatch(/\.$/)
  })
})

describe('a controller that was deposed', () => {
  test('refuses what comes late, and the commands go to the next one', async () => {
    cluster = await RunningCluster.start([1, 2, 3])
    const late = await cluster.broker(1).connect()
    const client = await cluster.broker(3).connect()
    cluster.cutFromStore(1)
    await cluster.untilController(id => id !== null && id !== 1)
    // It does not know of the next one, but that its own lease has run out.
    expect(await createTopic(late, 'late', { timeoutMs: 300 })).toMatchObject({
      error: expect.stringMatching(/^(NOT_CONTROLLER|REQUEST_TIMED_OUT)$/),
    })
    expect(await createTopic(client, 'orders')).toMatchObject({ error: 'NONE' })
    cluster.reconnect(1)
    await until(async () => (await partitionsSeen(late, 'orders')) === 1, 'it follows the metadata again')
    expect(await createTopic(late, 'again')).toMatchObject({ error: 'NONE' })
  })
})

describe('whoever has the .proto file', () => {
  test('asks any broker for a restart, and gets the word of the controller', async () => {
    cluster = await RunningCluster.start([1, 2])
    const tool = controlTool(cluster.broker(2).broker.controlPort)
    const asked = await tool('RequestRestart', {
      caller: { timeoutMs: 5000 },
      requestRestart: { brokerId: 2, durationMs: 60_000, holder: 'operator', reason: 'a new image' },
    })
    expect(asked).toMatchObject({
      requestRestart: { safe: true, grant: { brokerId: 2, holder: 'operator' } },
    })
    const { canRestart } = await tool('CanRestart', { canRestart: { brokerId: 1 } })
    expect(canRestart).toMatchObject({
      safe: false,
      reasons: [{ kind: 'GrantHeld', message: expect.stringContaining('(operator: a new image)') }],
    })
    await tool('ReleaseRestart', { releaseRestart: { brokerId: 2 } })
    expect(await tool('CanRestart', { canRestart: { brokerId: 1 } })).toMatchObject({
      canRestart: { safe: true },
    })
  })

  test('is told by a broker how it is, and by no other', async () => {
    cluster = await RunningCluster.start([1, 2])
    await createTopic(await cluster.broker(1).connect(), 'orders', { partitions: 3 })
    const [first, second] = await Promise.all(
      [1, 2].map(id => controlTool(cluster.broker(id).broker.controlPort)('BrokerStatus', {})),
    )
    expect(first).toMatchObject({
      brokerId: 1,
      clusterId: cluster.broker(1).broker.clusterId,
      release,
      state: 'ready',
      notReady: [],
      recovery: { remainingSegments: 0 },
      isRegistered: true,
      isController: true,
      controller: { brokerId: 1 },
    })
    expect(second).toMatchObject({ brokerId: 2, isController: false, controller: { brokerId: 1 } })
    const led = [first, second].map(status => status?.['replicas'] as { total: number; leaders: number })
    expect(led.map(({ leaders }) => leaders).reduce((sum, count) => sum + count)).toBe(3)
    expect(led[0]).toMatchObject({ underReplicated: 0, underMinIsr: 0, offline: 0, maxLag: 0 })
  })

  test('is told what is wrong with a request', async () => {
    cluster = await RunningCluster.start([1, 2])
    const tool = controlTool(cluster.broker(2).broker.controlPort)
    await expect(tool('ForwardAdmin', {})).rejects.toThrow(
      'ForwardAdmin came without one command that this release knows',
    )
    await expect(tool('CanRestart', { caller: { controllerEpoch: 1 }, canRestart: {} })).rejects.toThrow(
      'Broker 2 is not the controller; the request is for the controller in epoch 1.',
    )
  })
})

test('every broker hands out producer ids that no other one has', async () => {
  cluster = await RunningCluster.start([1, 2, 3])
  const ids: number[] = []
  for (const broker of cluster.brokers.values()) {
    const client = await broker.connect()
    for (let count = 0; count < 5; count++) ids.push(await newProducerId(client))
  }
  expect(new Set(ids).size).toBe(15)
})

test('every broker names a live controller', async () => {
  cluster = await RunningCluster.start([1, 2])
  const client = await cluster.broker(2).connect()
  const answer = await client.request(describeCluster, 1, {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
  })
  expect(answer.controllerId).toBe(1)
  expect(answer.brokers.map(({ brokerId }) => brokerId)).toEqual([1, 2])
})
