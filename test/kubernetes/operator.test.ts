/** The operator, installed by its chart, with real brokers and etcd: what people do to a cluster, and what happens to it. */
import { expect, test } from 'vitest'
import { waitUntil } from '../targets/processes.ts'
import { cluster, numbered, topic, useOperator } from './operated-cluster.ts'

const operated = useOperator('operator')

test('three brokers and an etcd become ready, a topic with them, and clients use it', async () => {
  await operated.apply(cluster(), topic('orders', 'partitions: 6, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
  await operated.produce('orders', numbered(0, 100))
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
  expect(await operated.kubectl('get', 'barnabas')).toMatch(/kafka +True +3\/3 +True/)
  const racks = await operated.kubectl('get', 'bnc', 'kafka', '-o', 'jsonpath={.status.members[*].rack}')
  expect(new Set(racks.split(' ')).size).toBe(Math.min(3, operated.kubernetes.nodes.length))
})

test('what must not change is refused by the API server, in a sentence', async () => {
  const refuse = async (manifest: string): Promise<string> => {
    const args = ['-n', operated.namespace, 'apply', '--dry-run=server', '-f', '-']
    const { exit, stderr } = await operated.kubernetes.tryKubectl(args, { input: manifest })
    expect(exit).not.toBe(0)
    return stderr
  }
  expect(await refuse(topic('orders', 'partitions: 2'))).toContain('partitions cannot become fewer')
  expect(await refuse(topic('orders', 'partitions: 6, topicName: other'))).toContain(
    'topicName cannot be changed',
  )
  expect(await refuse(cluster('brokers: {storage: {size: 1Gi}}'))).toContain('volumes cannot shrink')
  expect(await refuse(cluster('config: {broker.id: "1"}'))).toContain('follow from the rest of the Cluster')
  expect(await refuse(cluster('state: Hibernated'))).toContain('state cannot be Hibernated in this version')
})

test('a Topic grows, changes, meets another of its name, and is deleted with its data if it says so', async () => {
  await operated.apply(topic('orders', 'partitions: 9, replicationFactor: 3, retention: {time: 2d}'))
  await operated.until('bnt/orders', 'Ready', 'True')
  expect(await operated.kubectl('get', 'bnt', 'orders', '-o', 'jsonpath={.status.partitions}')).toBe('9')

  await operated.apply(topic('second', 'topicName: orders'))
  await operated.until('bnt/second', 'Conflicted', 'True')
  await operated.kubectl('delete', 'bnt', 'second', '--timeout=30s')
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))

  await operated.apply(topic('short-lived', 'reclaimPolicy: Delete, replicationFactor: 2'))
  await operated.until('bnt/short-lived', 'Ready', 'True')
  await operated.kubectl('delete', 'bnt', 'short-lived', '--timeout=60s')
  const { stdout } = await operated.kubernetes.runInside(['kcat', '-L', '-b', operated.bootstrap])
  expect(stdout).not.toContain('"short-lived"')
  expect(stdout).toContain('"orders"')

  await operated.apply(topic('wrong', 'config: {segment.bytes: 5}'))
  await operated.until('bnt/wrong', 'Ready', 'False', 'InvalidConfig')
  await operated.apply(topic('wrong', 'config: {segment.bytes: 2000000}'))
  await operated.until('bnt/wrong', 'Ready', 'True')
})

test('a setting that brokers read once rolls all of them, and no record is lost', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('config: {queued.max.requests: "600"}'))
  for (let batch = 1; batch <= 10; batch++) await operated.produce('orders', numbered(batch * 100, 100))
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  const after = await operated.podUids()
  expect(after.filter(uid => before.includes(uid))).toEqual([])
  expect(await operated.consume('orders')).toEqual(numbered(0, 1100))
})

test('a setting that brokers take while they run restarts none', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('config: {queued.max.requests: "600", log.retention.ms: "86400000"}'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await waitUntil('the ConfigMap remembers it', async () => {
    const told = await operated.kubectl(
      'get',
      'configmap',
      'kafka-brokers',
      '-o',
      'jsonpath={.metadata.annotations}',
    )
    return told.includes('log.retention.ms') || undefined
  })
  expect(await operated.podUids()).toEqual(before)
})

test('a pod that is deleted comes back with its records', async () => {
  const before = await operated.uidOf('kafka-brokers-1')
  await operated.kubectl('delete', 'pod', 'kafka-brokers-1')
  await operated.replaced('kafka-brokers-1', before)
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect(await operated.consume('orders')).toEqual(numbered(0, 1100))
})

test('kubectl scale makes five of three, which get replicas, and three of five, emptied before they go', async () => {
  await operated.kubectl('scale', 'bnc/kafka', '--replicas=5')
  await operated.until('bnc/kafka', 'Ready', 'True')
  await waitUntil(
    'new brokers have replicas',
    async () => {
      const listed = await operated.listed('orders')
      return /replicas: [\d,]*[34]/.test(listed) || undefined
    },
    { deadlineMs: 90_000, everyMs: 1000 },
  )
  await operated.until('bnc/kafka', 'Progressing', 'False')
  await operated.kubectl('scale', 'bnc/kafka', '--replicas=3')
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnc/kafka', 'Progressing', 'False')
  const listed = await operated.listed('orders')
  expect(listed).not.toMatch(/replicas: [\d,]*[34]/)
  expect(await operated.consume('orders')).toEqual(numbered(0, 1100))
})

test('killed in the middle of a roll, the operator goes on with it when it is back', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('config: {queued.max.requests: "700"}'))
  await waitUntil(
    'the roll has begun',
    async () => (await operated.podUids()).join() !== before.join() || undefined,
    {
      deadlineMs: 60_000,
      everyMs: 200,
    },
  )
  await operated.killOperator()
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect((await operated.podUids()).filter(uid => before.includes(uid))).toEqual([])
})

test('while nothing changes nothing is written', () => operated.staysQuiet({ looksByItself: 2 }))

test('a namespace goes away with all that is in it, though the operator is gone', async () => {
  await operated.scaleOperator(0)
  await operated.kubectl('wait', 'pod', '--for=condition=Ready', '--all', '--timeout=60s')
  await operated.kubernetes.kubectl(['delete', 'namespace', operated.namespace, '--timeout=150s'])
  await operated.kubernetes.kubectl(['create', 'namespace', operated.namespace])
})
