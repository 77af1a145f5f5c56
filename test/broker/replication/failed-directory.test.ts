import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { batchOf, createTopic, metadataOf, produceTo } from '../../support/requests.ts'
import { RunningCluster } from '../../support/running-cluster.ts'
import { until } from '../../support/until.ts'

let cluster: RunningCluster

afterEach(() => cluster.remove())

const partitions = [0, 1, 2, 3, 4, 5]

function replica(id: number, index: number) {
  const found = cluster.broker(id).broker.replication.partitions.get('topic', index)
  if (found === undefined) throw new Error(`Broker ${id} has no replica of topic-${index}.`)
  return found
}

/** As the broker says it is. */
async function statesBy(id: number) {
  const client = await cluster.broker(id).connect()
  const { topics } = await metadataOf(client, ['topic'])
  return topics[0]!.partitions.toSorted((one, other) => one.partitionIndex - other.partitionIndex)
}

async function writeEverywhere(value: string): Promise<void> {
  for (const { partitionIndex, leaderId } of await statesBy(2)) {
    const client = await cluster.broker(leaderId).connect()
    const { error } = await produceTo(client, 'topic', batchOf([value]), { partition: partitionIndex })
    expect([partitionIndex, error]).toEqual([partitionIndex, 'NONE'])
  }
}

test.each([
  ['of the controller', 1],
  ['of another broker', 3],
])('when one of the disks %s fails, others lead what was on it until it is mended', async (_, failing) => {
  cluster = await RunningCluster.start(
    [1, 2, 3],
    {
      'replica.high.watermark.checkpoint.interval.ms': '100',
      'min.insync.replicas': '2',
      // Nobody is to be given up because the machine is busy.
      'broker.session.timeout.ms': '10000',
    },
    ['one', 'two'],
  )
  const { error } = await createTopic(await cluster.broker(1).connect(), 'topic', {
    partitions: partitions.length,
    replicationFactor: 3,
  })
  expect(error).toBe('NONE')
  await writeEverywhere('before')

  const { directory } = cluster.broker(failing)
  const onIt = (index: number) => replica(failing, index).log.directory.startsWith(join(directory, 'one/'))
  const lost = partitions.filter(onIt)
  const led = lost.filter(index => replica(failing, index).isLeader)
  expect(lost).not.toEqual([])
  expect(lost).not.toEqual(partitions)
  expect(led).not.toEqual([])
  renameSync(join(directory, 'one'), join(directory, 'taken away'))
  // The next checkpoint meets it at the latest.
  const others = [1, 2, 3].filter(id => id !== failing)
  await until(async () => {
    const states = await statesBy(2)
    return states.every(({ partitionIndex, leaderId, isrNodes }) =>
      lost.includes(partitionIndex)
        ? others.includes(leaderId) && isrNodes.length === 2 && !isrNodes.includes(failing)
        : isrNodes.length === 3,
    )
  }, 'others lead what was on the disk')
  expect(cluster.broker(failing).fatal).toEqual([])
  await writeEverywhere('meanwhile')

  renameSync(join(directory, 'taken away'), join(directory, 'one'))
  await cluster.leave(failing)
  await cluster.join(failing)
  await until(
    async () => (await statesBy(2)).every(({ isrNodes }) => isrNodes.length === 3),
    'all replicas are in sync',
    20_000,
  )
  await writeEverywhere('afterwards')
  for (const index of partitions) {
    const ends = [1, 2, 3].map(id => replica(id, index).log.logEndOffset)
    expect(ends).toEqual([3, 3, 3])
  }
})
