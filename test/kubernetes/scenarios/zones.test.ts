/** Six brokers in three zones: replicas stand in different ones, who reads says where it is, and a zone that fails is missed by nobody. */
import { expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { cluster, endsQuietly, numbered, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('zones')
const brokers = 6

interface Members {
  readonly status: { readonly members: readonly { readonly id: number; readonly rack?: string }[] }
}

async function zones(): Promise<ReadonlyMap<number, string>> {
  const { status } = await operated.kubernetes.get<Members>(['-n', operated.namespace, 'bnc/kafka'])
  return new Map(status.members.map(({ id, rack = '' }) => [id, rack]))
}

interface Described {
  readonly topics: readonly {
    readonly partitions: readonly {
      readonly leader: number
      readonly replicas: readonly { readonly id: number }[]
    }[]
  }[]
}

async function partitionsOf(name: string): Promise<Described['topics'][number]['partitions']> {
  const { stdout } = await operated.kubernetes.runInside([
    'kcat',
    '-L',
    '-J',
    '-b',
    operated.bootstrap,
    '-t',
    name,
  ])
  return (JSON.parse(stdout) as Described).topics[0]?.partitions ?? []
}

/** Bytes of the topic that each broker has given to consumers. */
async function bytesOut(name: string): Promise<readonly number[]> {
  const metric = new RegExp(
    `^kafka_server_brokertopicmetrics_bytesout_total\\{[^}]*topic="${name}"[^}]*\\} (\\S+)$`,
    'm',
  )
  return Promise.all(
    Array.from({ length: brokers }, async (_, id) =>
      Number(metric.exec(await operated.brokerMetrics(id))?.[1] ?? 0),
    ),
  )
}

test('two brokers stand in each zone', async () => {
  const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
  await operated.apply(
    cluster(`brokers: {replicas: ${brokers}}\n  config: {replica.selector.class: ${selector}}`),
  )
  await operated.until('bnc/kafka', 'Ready', 'True')
  const found = [...(await zones()).values()].sort()
  expect(new Set(found).size).toBe(3)
  for (const zone of new Set(found)) expect(found.filter(each => each === zone)).toHaveLength(2)
})

test.each([2, 3])('%i replicas of a partition are in as many zones', async replicas => {
  const name = `spread-${replicas}`
  await operated.apply(topic(name, `partitions: 12, replicationFactor: ${replicas}`))
  await operated.until(`bnt/${name}`, 'Ready', 'True')
  const zoneOf = await zones()
  const partitions = await partitionsOf(name)
  expect(partitions).toHaveLength(12)
  for (const partition of partitions) {
    const found = partition.replicas.map(({ id }) => zoneOf.get(id))
    expect(new Set(found).size, JSON.stringify(partition)).toBe(replicas)
  }
})

test('a consumer that says its zone is given records there, wherever leaders are', async () => {
  const name = 'near'
  await operated.apply(topic(name, 'partitions: 1, replicationFactor: 3'))
  await operated.until(`bnt/${name}`, 'Ready', 'True')
  const records = numbered(0, 20_000)
  await operated.produce(name, records)
  const [partition] = await partitionsOf(name)
  const zoneOf = await zones()
  const near = partition?.replicas.map(({ id }) => id).find(id => id !== partition.leader) ?? -1
  const before = await bytesOut(name)

  const args = ['-C', '-b', operated.bootstrap, '-t', name, '-o', 'beginning', '-e', '-q', '-X']
  const rack = `client.rack=${zoneOf.get(near)}`
  const small = ['-X', 'fetch.message.max.bytes=50000']
  const { stdout } = await operated.kubernetes.runInside(['kcat', ...args, rack, ...small])
  expect(stdout.split('\n').filter(line => line !== '')).toHaveLength(records.length)

  const given = await waitUntil('it shows in metrics', async () => {
    const after = await bytesOut(name)
    const difference = after.map((bytes, id) => bytes - (before[id] ?? 0))
    return difference.reduce((sum, bytes) => sum + bytes, 0) > 200_000 ? difference : undefined
  })
  const total = given.reduce((sum, bytes) => sum + bytes, 0)
  expect(given[near], JSON.stringify({ given, partition })).toBeGreaterThan(total / 2)
})

test('all brokers of a zone that die at once are missed by no client', async () => {
  const before = await operated.podUids(brokers)
  const zoneOf = await zones()
  const dying = [...zoneOf.keys()].filter(id => zoneOf.get(id) === zoneOf.get(0))
  expect(dying).toHaveLength(2)
  const outcome = await underLoad(operated, 'checked', async () => {
    const pods = dying.map(id => `kafka-brokers-${id}`)
    await operated.kubectl('delete', 'pod', ...pods, '--grace-period=0', '--force')
    for (const id of dying) await operated.replaced(`kafka-brokers-${id}`, before[id] ?? '')
    await operated.until('bnc/kafka', 'FullyReplicated', 'True')
    await operated.until('bnc/kafka', 'Ready', 'True')
  })
  expectNothingLost(outcome, { leastInSync: 2 })
  expect((await zones()).get(dying[1] ?? -1)).toBe(zoneOf.get(0))
})

endsQuietly(operated)
