/** The operator is away while pods die and people change things: clients go on, and when it is back it only catches up. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { CheckedLoad, expectNothingLost } from '../checked-load.ts'
import { whatIsLeft } from '../end-state.ts'
import { cluster, endsQuietly, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('operator-away')

let load: CheckedLoad

beforeAll(async () => {
  await operated.apply(
    cluster(),
    topic('checked', 'partitions: 3, replicationFactor: 3'),
    topic('growing', 'partitions: 2, replicationFactor: 3'),
    topic('passing', 'partitions: 2, replicationFactor: 3, reclaimPolicy: Delete'),
    topic('held', 'partitions: 1, reclaimPolicy: Delete'),
  )
  await operated.until('bnc/kafka', 'Ready', 'True')
  for (const name of ['checked', 'growing', 'passing', 'held'])
    await operated.until(`bnt/${name}`, 'Ready', 'True')
  await operated.until('bnc/kafka', 'Progressing', 'False')
  load = await CheckedLoad.start(operated, { topic: 'checked', partitions: 3 })
})

afterAll(async () => {
  await load.dispose()
})

async function topicsOfKafka(): Promise<string> {
  return (await operated.kubernetes.runInside(['kcat', '-L', '-b', operated.bootstrap])).stdout
}

async function allReady(): Promise<void> {
  await waitUntil(
    'all pods are ready',
    async () => {
      const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}'
      const told = await operated.kubectl('get', 'pods', '-o', `jsonpath=${path}`)
      return told.trim() === 'True True True True' || undefined
    },
    { deadlineMs: 120_000, everyMs: 500 },
  )
}

test('the only member of etcd is restarted, and nobody else', async () => {
  const [brokers, uid] = [await operated.podUids(), await operated.uidOf('kafka-etcd-0')]
  await operated.kubectl('delete', 'pod', 'kafka-etcd-0', '--wait=false')
  await load.advances()
  await operated.replaced('kafka-etcd-0', uid)
  await operated.until('bnc/kafka', 'Ready', 'True')
  await load.advances()
  expect(await operated.podUids()).toEqual(brokers)
})

test('pods die and things change while it is away; it catches up, and restarts nobody', async () => {
  await operated.scaleOperator(0)
  const uid = await operated.uidOf('kafka-brokers-1')
  await operated.kubectl('delete', 'pod', 'kafka-brokers-1')
  await operated.replaced('kafka-brokers-1', uid)
  await load.advances()

  const node = await operated.kubectl('get', 'pod', 'kafka-brokers-2', '-o', 'jsonpath={.spec.nodeName}')
  await operated.kubectl('delete', 'pods', '--field-selector', `spec.nodeName=${node}`)
  await allReady()
  await load.advances()

  await operated.kubectl('delete', 'bnt', 'passing', '--wait=false')
  await operated.apply(
    cluster('config: {log.retention.ms: "86400000"}'),
    topic('growing', 'partitions: 4, replicationFactor: 3, retention: {time: 2d}'),
    topic('late', 'partitions: 2, replicationFactor: 3'),
  )
  const before = await operated.podUids()
  await operated.scaleOperator(1)
  await operated.until('bnc/kafka', 'Ready', 'True')
  for (const name of ['growing', 'late']) await operated.until(`bnt/${name}`, 'Ready', 'True')
  await operated.kubectl('wait', 'bnt/passing', '--for=delete', '--timeout=60s')
  await operated.until('bnc/kafka', 'Progressing', 'False')
  const topics = await topicsOfKafka()
  expect(topics).toContain('topic "growing" with 4 partitions')
  expect(topics).toContain('topic "late" with 2 partitions')
  expect(topics).not.toContain('"passing"')
  expect(await operated.podUids()).toEqual(before)
  await load.advances()
  expectNothingLost(await load.finish())
}, 300_000)

endsQuietly(operated)

test('a Cluster is deleted while it is away, and what was held is let go when it is back', async () => {
  await operated.scaleOperator(0)
  await operated.kubectl('delete', 'bnt', 'held', '--wait=false')
  await operated.kubectl('delete', 'bnc', 'kafka', '--timeout=60s')
  expect(await operated.kubectl('get', 'bnt', 'held', '-o', 'name')).toContain('held')
  await operated.scaleOperator(1)
  await operated.kubectl('wait', 'bnt/held', '--for=delete', '--timeout=60s')
  await operated.kubectl('delete', 'bnt', '--all', '--timeout=60s')
  await waitUntil('everything is gone', async () => (await whatIsLeft(operated)).length === 0 || undefined, {
    deadlineMs: 150_000,
    everyMs: 1000,
  })
})
