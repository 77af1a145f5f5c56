/**
 * Topics and what people do behind the operator's back, with the tools of Apache Kafka; who looks after a topic; what becomes
 * of it when its Topic, or its Cluster, goes.
 */
import { expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { useKubernetes } from '../fixture.ts'
import { cluster, endsQuietly, numbered, topic, useOperator } from '../operated-cluster.ts'

const guest = useKubernetes('guest')
const operated = useOperator('topics', {}, [guest])

/** kafka-configs: what is set on a topic itself. */
async function settingsOf(name: string): Promise<ReadonlyMap<string, string>> {
  const text = await operated.kafkaTool('kafka-configs', ...ofTopic(name), '--describe')
  return new Map(
    [...text.matchAll(/^ {2}(\S+?)=(.*?) sensitive=/gm)].map(([, key = '', value = '']) => [key, value]),
  )
}

const ofTopic = (name: string): string[] => ['--entity-type', 'topics', '--entity-name', name]

const setByHand = (name: string, settings: string): Promise<string> =>
  operated.kafkaTool('kafka-configs', ...ofTopic(name), '--alter', '--add-config', settings)

/** Replicas of each partition. */
async function replicasOf(name: string): Promise<readonly string[]> {
  const listed = await operated.listed(name)
  return [...listed.matchAll(/replicas: ([\d,]+), isrs/g)].map(([, replicas = '']) => replicas)
}

/** So that drift is not waited for: it is looked for every two minutes, and when somebody touches the Topic. */
const touch = (name: string): Promise<string> =>
  operated.kubectl('annotate', `bnt/${name}`, `example.com/touched=${Date.now()}`, '--overwrite')

async function statusOf(name: string): Promise<{ readonly topicId: string; readonly drift?: unknown }> {
  const args = ['-n', operated.namespace, `bnt/${name}`]
  return (await operated.kubernetes.get<{ status: { topicId: string; drift?: unknown } }>(args)).status
}

const uidOf = (name: string): Promise<string> =>
  operated.kubectl('get', 'bnt', name, '-o', 'jsonpath={.metadata.uid}')

const enforced = 'partitions: 3, replicationFactor: 3, retention: {time: 1d}'

test('a Topic may be there before its Cluster', async () => {
  await operated.apply(topic('orders', enforced))
  await operated.until('bnt/orders', 'Ready', 'False', 'ClusterNotFound')
  await operated.apply(cluster())
  await operated.until('bnt/orders', 'Ready', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.produce('orders', numbered(0, 100))
  expect(Object.fromEntries(await settingsOf('orders'))).toMatchObject({
    'retention.ms': '86400000',
    'barnabas.owner': `${operated.namespace}/orders ${await uidOf('orders')}`,
  })
})

/** What was set by hand is undone. */
const settingIsBack = (name: string): Promise<true> =>
  waitUntil(
    `the retention of ${name} is back`,
    async () => (await settingsOf(name)).get('retention.ms') === '86400000' || undefined,
    { deadlineMs: 150_000, everyMs: 1000 },
  )

test('what people change is undone, but for what the spec does not name', async () => {
  await operated.apply(topic('untouched', 'partitions: 1, retention: {time: 1d}'))
  await operated.until('bnt/untouched', 'Ready', 'True')
  await setByHand('untouched', 'retention.ms=1234567')
  await setByHand('orders', 'retention.ms=1234567,flush.messages=77')
  await touch('orders')
  await settingIsBack('orders')
  expect((await settingsOf('orders')).get('flush.messages')).toBe('77')
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
})

test('or it is only told', async () => {
  await operated.apply(topic('watched', 'partitions: 2, retention: {time: 1d}, driftPolicy: Report'))
  await operated.until('bnt/watched', 'Synced', 'True')
  await setByHand('watched', 'retention.ms=1234567')
  await operated.kafkaTool('kafka-topics', '--alter', '--topic', 'watched', '--partitions', '4')
  await touch('watched')
  await operated.until('bnt/watched', 'Synced', 'False', 'Drifted')
  expect((await statusOf('watched')).drift).toEqual([
    { key: 'partitions', desired: '2', actual: '4' },
    { key: 'retention.ms', desired: '86400000', actual: '1234567' },
  ])
  expect((await settingsOf('watched')).get('retention.ms')).toBe('1234567')
  await operated.kubectl(
    'patch',
    'bnt/watched',
    '--type=merge',
    '-p',
    '{"spec":{"partitions":4,"driftPolicy":"Enforce"}}',
  )
  await operated.until('bnt/watched', 'Synced', 'True')
  expect((await settingsOf('watched')).get('retention.ms')).toBe('86400000')
})

test('a topic that people make larger is not made smaller, and it says so', async () => {
  await operated.kafkaTool('kafka-topics', '--alter', '--topic', 'orders', '--partitions', '6')
  await touch('orders')
  const { message } = await operated.until('bnt/orders', 'Ready', 'False', 'PartitionDecreaseRefused')
  expect(message).toBe('Topic orders has 6 partitions and cannot shrink to 3, because records would be lost.')
  await operated.apply(topic('orders', enforced.replace('partitions: 3', 'partitions: 6')))
  await operated.until('bnt/orders', 'Ready', 'True')
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
})

test('a topic that people delete is made again', async () => {
  await operated.apply(topic('fleeting', 'partitions: 1'))
  await operated.until('bnt/fleeting', 'Ready', 'True')
  const before = (await statusOf('fleeting')).topicId
  await operated.kafkaTool('kafka-topics', '--delete', '--topic', 'fleeting')
  await touch('fleeting')
  await waitUntil(
    'there is another topic',
    async () => (await statusOf('fleeting')).topicId !== before || undefined,
    { deadlineMs: 60_000, everyMs: 500 },
  )
  await operated.until('bnt/fleeting', 'Ready', 'True')
})

test('another number of replicas moves them, up and down, with their records', async () => {
  for (const replicas of [2, 3, 1, 3]) {
    const minimum = replicas === 1 ? ', minInsyncReplicas: 1' : ''
    await operated.apply(topic('moved', `partitions: 3, replicationFactor: ${replicas}${minimum}`))
    await operated.until('bnt/moved', 'Ready', 'True')
    if (replicas === 2) await operated.produce('moved', numbered(0, 100))
    expect((await replicasOf('moved')).map(each => each.split(',').length)).toEqual(Array(3).fill(replicas))
    expect(await operated.consume('moved')).toEqual(numbered(0, 100))
  }
})

test('a topic that is there is taken over when it matches, or always, or never', async () => {
  await operated.kafkaTool(
    'kafka-topics',
    '--create',
    '--topic',
    'found',
    '--partitions',
    '2',
    '--replication-factor',
    '2',
  )
  await operated.produce('found', numbered(0, 10))
  await operated.apply(topic('found', 'partitions: 2, adoptionPolicy: Never'))
  await operated.until('bnt/found', 'Ready', 'False', 'NotAdopted')
  await operated.apply(topic('found', 'partitions: 4'))
  const { message } = await operated.until('bnt/found', 'Ready', 'False', 'NotAdopted')
  expect(message).toContain('Topic found is there already and differs in partitions')
  expect((await settingsOf('found')).has('barnabas.owner')).toBe(false)
  await operated.apply(topic('found', 'partitions: 4, adoptionPolicy: Always'))
  await operated.until('bnt/found', 'Ready', 'True')
  expect((await settingsOf('found')).get('barnabas.owner')).toBe(
    `${operated.namespace}/found ${await uidOf('found')}`,
  )
  expect(await replicasOf('found')).toHaveLength(4)
  expect(await operated.consume('found')).toEqual(numbered(0, 10))
})

test('of two Topics of one name the first has it, and the other gets it when the first goes', async () => {
  await operated.apply(topic('second', 'topicName: found'))
  const { message } = await operated.until('bnt/second', 'Conflicted', 'True', 'NameConflict')
  expect(message).toContain(`looked after by the Topic ${operated.namespace}/found`)
  await operated.kubectl('delete', 'bnt', 'found', '--timeout=30s')
  await operated.until('bnt/second', 'Ready', 'True', undefined, 30_000)
  expect((await settingsOf('found')).get('barnabas.owner')).toBe(
    `${operated.namespace}/second ${await uidOf('second')}`,
  )
  expect(await operated.consume('found')).toEqual(numbered(0, 10))
})

test('a Topic that is protected stays, and what goes takes its topic along only if it says so', async () => {
  await operated.apply(
    topic('kept', 'partitions: 1'),
    topic('gone', 'partitions: 1, reclaimPolicy: Delete, deletionProtection: true'),
  )
  await operated.until('bnt/kept', 'Ready', 'True')
  await operated.until('bnt/gone', 'Ready', 'True')
  await operated.produce('kept', numbered(0, 10))
  const refused = await operated.kubernetes.tryKubectl(['-n', operated.namespace, 'delete', 'bnt', 'gone'])
  expect(refused.stderr).toContain('Topic gone is protected from deletion')
  await operated.kubectl('patch', 'bnt/gone', '--type=merge', '-p', '{"spec":{"deletionProtection":false}}')
  await operated.kubectl('delete', 'bnt', 'kept', 'gone', '--timeout=30s')
  const names = await operated.kafkaTool('kafka-topics', '--list')
  expect(names.split('\n')).toContain('kept')
  expect(names.split('\n')).not.toContain('gone')
  await operated.apply(topic('kept', 'partitions: 1'))
  await operated.until('bnt/kept', 'Ready', 'True')
  expect(await operated.consume('kept')).toEqual(numbered(0, 10))
})

test('another namespace has Topics here when the Cluster grants it', async () => {
  const { kubernetes, namespace } = guest
  const manifest = `{apiVersion: barnabas.dev/v1, kind: Topic, metadata: {name: theirs}, spec: {clusterRef: {name: kafka, namespace: ${operated.namespace}}, partitions: 1}}`
  const told = (words: RegExp): Promise<true> =>
    waitUntil(
      `it says ${words}`,
      async () => {
        const path = 'jsonpath={.status.conditions[?(@.type=="Ready")]}'
        const ready = await kubernetes.kubectl(['-n', namespace, 'get', 'bnt/theirs', '-o', path])
        return words.test(ready) || undefined
      },
      { deadlineMs: 60_000, everyMs: 500 },
    )
  await kubernetes.apply(manifest, ['-n', namespace])
  await told(/its topicPolicy.namespaces.from is Same/)
  await operated.apply(
    cluster(
      'topicPolicy: {namespaces: {from: Selector, selector: {matchLabels: {example.com/kafka: guest}}}}',
    ),
  )
  await told(/it lacks the labels of topicPolicy.namespaces.selector/)
  await kubernetes.kubectl(['label', 'namespace', namespace, 'example.com/kafka=guest'])
  await told(/InSync/)
  expect((await settingsOf('theirs')).get('barnabas.owner')).toMatch(new RegExp(`^${namespace}/theirs `))
})

test('what people changed some time ago is undone by itself', () => settingIsBack('untouched'))

test('Topics outlive their Cluster, can be deleted without it, and find their records when it is made again', async () => {
  await operated.apply(topic('held', 'partitions: 1, reclaimPolicy: Delete'))
  await operated.until('bnt/held', 'Ready', 'True')
  await operated.kubectl('delete', 'bnc', 'kafka', '--timeout=60s')
  await operated.until('bnt/orders', 'Ready', 'False', 'ClusterNotFound')
  await operated.kubectl('delete', 'bnt', 'held', '--timeout=30s')
  // What belonged to it goes after it.
  await operated.kubectl('wait', 'pod', '--for=delete', '-l', 'barnabas.dev/cluster=kafka', '--timeout=90s')
  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
})

endsQuietly(operated)
