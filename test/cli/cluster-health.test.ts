import { expect, test } from 'vitest'
import { judgeHealth, type ObservedCluster, renderHealth } from '../../cli/cluster-health.ts'

function aPartition(
  topic: string,
  partition: number,
  leader: number,
  isr: readonly number[],
  replicas = [0, 1, 2],
) {
  return { topic, partition, leader, isr, replicas }
}

function observed(
  changes: Partial<ObservedCluster> = {},
  ids: readonly number[] = [0, 1, 2],
): ObservedCluster {
  return {
    cluster: {
      clusterId: 'c',
      controllerId: 1,
      brokers: ids.map(id => ({ id, host: 'h', port: 9092 + id, rack: null, isFenced: false })),
    },
    partitions: [
      aPartition('a', 0, 0, [0, 1, 2]),
      aPartition('a', 1, 1, [1, 2, 0]),
      aPartition('b', 0, 0, [0], [0]),
    ],
    minInSync: new Map(),
    silent: new Map(),
    changesRefused: undefined,
    ...changes,
  }
}

test('a cluster that is well is shown without a problem', () => {
  const cluster = observed()
  const health = judgeHealth(cluster)
  expect(health.problems).toEqual([])
  expect(renderHealth('demo', cluster, health)).toEqual([
    'demo  cluster c',
    '  broker 0    ● ready  h:9092, leads 2',
    '  broker 1    ● ready  h:9093, leads 1, controller',
    '  broker 2    ● ready  h:9094, leads 0',
    '  partitions  3 of 2 topics: 0 offline, 0 under min ISR, 0 under-replicated',
    '',
    'All is well.',
  ])
})

test('a broker that is away is named with what misses it', () => {
  const partitions = [
    aPartition('a', 0, 0, [0, 1]),
    aPartition('a', 1, 1, [1, 0]),
    aPartition('b', 0, 0, [0], [0]),
  ]
  const { problems, underReplicated, underMinInSync } = judgeHealth(
    observed({ partitions, minInSync: new Map([['a', 2]]) }, [0, 1]),
  )
  expect(underReplicated).toHaveLength(2)
  expect(underMinInSync).toEqual([])
  expect(problems).toEqual([
    'Broker 2 is away; 2 partitions have a replica on it. Start it again, or move its replicas to others with kafka-reassign-partitions.sh.',
    '2 partitions have replicas that are not in sync (a-0, a-1), on broker 2: they are catching up, or that broker is too slow or away.',
  ])
})

test('partitions under min ISR are told apart from those that are only behind', () => {
  const partitions = [aPartition('a', 0, 0, [0]), aPartition('b', 0, 0, [0, 1])]
  const minInSync = new Map([
    ['a', 2],
    ['b', 2],
  ])
  const { underMinInSync, problems } = judgeHealth(observed({ partitions, minInSync }, [0]))
  expect(underMinInSync.map(({ topic }) => topic)).toEqual(['a'])
  expect(problems[0]).toBe(
    '1 partition has fewer replicas in sync than min.insync.replicas (a-0): writes with acks=all are refused until brokers 1 and 2 are back in sync.',
  )
})

test('an offline partition is told first, with whom to start', () => {
  const partitions = [aPartition('a', 0, -1, [2]), aPartition('a', 1, 0, [0, 1])]
  const { offline, underReplicated, problems } = judgeHealth(observed({ partitions }, [0, 1]))
  expect(offline).toHaveLength(1)
  expect(underReplicated).toHaveLength(1)
  expect(problems[0]).toMatch(
    /^1 partition is offline \(a-0\).*start broker 2, whose copies are whole; only if/,
  )
})

test('a broker that the controller remembers and nobody reaches is away, too', () => {
  const { cluster } = observed()
  const brokers = [...cluster.brokers.slice(0, 2), { ...cluster.brokers[2]!, isFenced: true }]
  const gone = { cluster: { ...cluster, brokers }, silent: new Map([[2, 'It was refused.']]) }
  const partitions = [aPartition('a', 0, 0, [0, 1])]
  expect(judgeHealth(observed({ ...gone, partitions })).problems[0]).toContain(
    'Broker 2 is away; 1 partition has',
  )
  expect(judgeHealth(observed({ ...gone, partitions: [] })).problems).toEqual([
    'Broker 2 is away and holds no replica. Start it again, or, if it is gone for good, take it off the list with kafka-cluster.sh unregister --id 2.',
  ])
  const shown = observed({ ...gone, partitions })
  expect(renderHealth('demo', shown, judgeHealth(shown))[3]).toContain('○ away')
})

test('many partitions are counted, not listed', () => {
  const partitions = Array.from({ length: 9 }, (_, at) => aPartition('a', at, -1, [2]))
  expect(judgeHealth(observed({ partitions })).problems[0]).toContain('a-0, a-1, a-2, a-3, a-4 and 4 more')
})

test('silent and fenced brokers, no controller, and a controller that takes no changes are problems', () => {
  const cluster = observed()
  const [first, ...others] = cluster.cluster.brokers
  const brokers = [{ ...first!, isFenced: true }, ...others]
  const strange = observed({
    cluster: { ...cluster.cluster, brokers },
    silent: new Map([[2, 'It was refused.']]),
    changesRefused: 'NOT_CONTROLLER: nobody',
  })
  const { problems } = judgeHealth(strange)
  expect(problems).toEqual([
    expect.stringContaining('Topics cannot be changed now (NOT_CONTROLLER: nobody).'),
    expect.stringContaining('Broker 0 (h:9092) is registered, but the controller has not let it in'),
    expect.stringContaining('Broker 2 does not answer at h:9094 from here: It was refused.'),
  ])
  expect(
    renderHealth('demo', strange, judgeHealth(strange))
      .slice(1, 4)
      .map(line => line.slice(13, 23)),
  ).toEqual([' ! fenced ', ' ● ready  ', ' ✗ silent '])
  const leaderless = observed({ cluster: { ...cluster.cluster, controllerId: -1 } })
  expect(judgeHealth(leaderless).problems).toEqual([expect.stringContaining('There is no controller')])
})
