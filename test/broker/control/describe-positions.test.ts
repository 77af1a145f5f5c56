import { afterAll, beforeAll, expect, test } from 'vitest'
import { mostPositions } from '../../../broker/control/describe-positions.ts'
import { errorName, offsetCommit } from '../../../protocol/index.ts'
import { controlTool } from '../../support/control-tool.ts'
import { coordinatorOf, groupBrokerSettings } from '../../support/group-requests.ts'
import { batchOf, metadataOf, produceTo, topicOf } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster
const leaders = new Map<number, number>()
const ageMs = 60_000

/** Six partitions over three brokers, each with three records of a minute ago. */
beforeAll(async () => {
  cluster = await RunningCluster.start([1, 2, 3], groupBrokerSettings)
  const client = await cluster.broker(1).connect()
  await topicOf(client, 't', { partitions: 6 })
  const { topics } = await metadataOf(client, ['t'])
  for (const { partitionIndex, leaderId } of topics[0]?.partitions ?? []) {
    leaders.set(partitionIndex, leaderId)
    const leading = await cluster.broker(leaderId).connect()
    const batch = batchOf(['a', 'b', 'c'], { timestamp: Date.now() - ageMs })
    const produced = async (): Promise<boolean> =>
      (await produceTo(leading, 't', batch, { partition: partitionIndex })).error === 'NONE'
    await until(produced, 'the leader takes records')
  }
  expect(new Set(leaders.values())).toEqual(new Set([1, 2, 3]))
})

afterAll(() => cluster.remove())

test('a coordinator tells the lag of partitions that other brokers lead', async () => {
  const asking = await cluster.broker(1).connect()
  const coordinator = cluster.broker(await coordinatorOf(asking, 'g'))
  const client = await coordinator.connect()
  await coordinatorOf(client, 'g')
  const partitions = [...leaders.keys()].map(partitionIndex => ({
    partitionIndex,
    committedOffset: 1,
    committedMetadata: '',
  }))
  const answer = await client.request(offsetCommit, 8, {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 't', partitions }],
  })
  expect(answer.topics[0]?.partitions.map(one => errorName(one.errorCode))).toEqual(Array(6).fill('NONE'))

  const told = async (name: string): Promise<number[]> => {
    const lines = (await coordinator.metric()).split('\n')
    return lines.filter(line => line.startsWith(`${name}{`)).map(line => Number(line.split(' ').at(-1)))
  }
  await until(async () => (await told('kafka_consumergroup_lag')).length === 6, 'all lag is told', 30_000)
  expect(await told('kafka_consumergroup_lag')).toEqual(Array(6).fill(2))
  const seconds = await told('kafka_consumergroup_lag_seconds')
  expect(seconds.length).toBe(6)
  expect(Math.min(...seconds)).toBeGreaterThanOrEqual(ageMs / 1000)
})

test('only the leader knows, and not of what is not there', async () => {
  const [partition, leader] = [...leaders][0]!
  const tool = controlTool(cluster.broker(leader).broker.controlPort)
  const notLed = [...leaders].find(([, other]) => other !== leader)![0]
  const asked = [
    { topic: 't', partition, offset: 2 },
    { topic: 't', partition, offset: 3 },
    { topic: 't', partition: notLed, offset: 0 },
    { topic: 'unknown', partition: 0, offset: 0 },
  ]
  const { positions } = (await tool('DescribePositions', { positions: asked })) as {
    positions: { highWatermark?: number; timeMs?: number }[]
  }
  expect(positions.map(({ highWatermark }) => highWatermark ?? null)).toEqual([3, 3, null, null])
  expect(positions.map(({ timeMs }) => typeof timeMs)).toEqual([
    'number',
    'undefined',
    'undefined',
    'undefined',
  ])
})

test('more positions than are answered at once are refused', async () => {
  const tool = controlTool(cluster.broker(1).broker.controlPort)
  const positions = Array.from({ length: mostPositions + 1 }, () => ({ topic: 't', partition: 0, offset: 0 }))
  await expect(tool('DescribePositions', { positions })).rejects.toThrow('5001 positions are asked for')
})
