/** The operator, installed by its chart, with real brokers and etcd: what people do to a cluster, and what happens to it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../targets/processes.ts'
import { useKubernetes } from './fixture.ts'
import { installChart, operatorNamespace, uninstallChart } from './operator-chart.ts'

const fixture = useKubernetes('operator')

const cluster = (spec = ''): string => `
apiVersion: barnabas.dev/v1
kind: Cluster
metadata: {name: kafka}
spec:
  deletionProtection: false
  etcd: {managed: {replicas: 1}}
  ${spec}
`
const topic = (name: string, spec: string): string => `
apiVersion: barnabas.dev/v1
kind: Topic
metadata: {name: ${name}}
spec: {clusterRef: {name: kafka}, ${spec}}
`

beforeAll(async () => {
  const [repository, tag] = fixture.kubernetes.etcdImage.split(/:(?=[^:/]+$)/)
  await installChart(fixture.kubernetes, '4.1', fixture.image, {
    'watch.namespaces': [fixture.namespace],
    etcdImage: { registry: '', repository: repository ?? '', tag: tag ?? '', digest: '' },
  })
  await kubectlIn(operatorNamespace, 'rollout', 'status', 'deployment/barnabas', '--timeout=120s')
})

afterAll(async () => {
  await kubectl('delete', 'bnc,bnt', '--all', '--wait=false')
  await uninstallChart(fixture.kubernetes, '4.1')
})

function kubectlIn(namespace: string, ...args: readonly string[]): Promise<string> {
  return fixture.kubernetes.kubectl(['-n', namespace, ...args])
}

function kubectl(...args: readonly string[]): Promise<string> {
  return kubectlIn(fixture.namespace, ...args)
}

async function apply(...manifests: readonly string[]): Promise<void> {
  await fixture.kubernetes.apply(manifests.join('---'), ['-n', fixture.namespace])
}

interface Conditions {
  readonly metadata: { readonly generation: number }
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
      readonly message: string
      readonly observedGeneration?: number
    }[]
  }
}

/** Waits until what is said of the newest spec is so. */
async function until(what: string, type: string, status: string, reason?: string): Promise<void> {
  let last = 'nothing'
  await waitUntil(
    () => `${what} is ${type}=${status} ${reason ?? ''}; it said ${last}`,
    async () => {
      const { metadata, status: told } = await fixture.kubernetes.get<Conditions>([
        '-n',
        fixture.namespace,
        what,
      ])
      const condition = told?.conditions?.find(each => each.type === type)
      last = JSON.stringify(condition)
      const isNew = condition?.observedGeneration === metadata.generation
      return (
        (isNew && condition.status === status && (reason === undefined || condition.reason === reason)) ||
        undefined
      )
    },
    { deadlineMs: 150_000, everyMs: 500 },
  )
}

const bootstrap = (): string => `kafka-bootstrap.${fixture.namespace}:9092`

/** A broker that goes away is told on standard error and is no harm; a record that is not delivered ends kcat otherwise. */
async function produce(name: string, records: readonly string[]): Promise<void> {
  const { exit, stderr } = await fixture.kubernetes.runInside(
    ['kcat', '-P', '-b', bootstrap(), '-t', name, '-X', 'acks=all', '-X', 'enable.idempotence=true'],
    { input: records.map(record => `${record}\n`).join('') },
  )
  expect({ exit, undelivered: /delivery failed/i.test(stderr) }, stderr).toEqual({
    exit: 0,
    undelivered: false,
  })
}

async function consume(name: string): Promise<string[]> {
  const { stdout } = await fixture.kubernetes.runInside([
    'kcat',
    '-C',
    '-b',
    bootstrap(),
    '-t',
    name,
    '-o',
    'beginning',
    '-e',
    '-q',
  ])
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .sort()
}

const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `record-${String(from + at).padStart(5, '0')}`)

async function uidOf(pod: string): Promise<string> {
  return kubectl('get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}', '--ignore-not-found')
}

async function podUids(): Promise<readonly string[]> {
  return Promise.all([0, 1, 2].map(id => uidOf(`kafka-brokers-${id}`)))
}

test('three brokers and an etcd become ready, a topic with them, and clients use it', async () => {
  await apply(cluster(), topic('orders', 'partitions: 6, replicationFactor: 3'))
  await until('bnc/kafka', 'Ready', 'True')
  await until('bnt/orders', 'Ready', 'True')
  await produce('orders', numbered(0, 100))
  expect(await consume('orders')).toEqual(numbered(0, 100))
  expect(await kubectl('get', 'barnabas')).toMatch(/kafka +True +3\/3 +True/)
  const racks = await kubectl('get', 'bnc', 'kafka', '-o', 'jsonpath={.status.members[*].rack}')
  expect(new Set(racks.split(' ')).size).toBe(Math.min(3, fixture.kubernetes.nodes.length))
})

test('what must not change is refused by the API server, in a sentence', async () => {
  const refuse = async (manifest: string): Promise<string> => {
    const args = ['-n', fixture.namespace, 'apply', '--dry-run=server', '-f', '-']
    const { exit, stderr } = await fixture.kubernetes.tryKubectl(args, { input: manifest })
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
  await apply(topic('orders', 'partitions: 9, replicationFactor: 3, retention: {time: 2d}'))
  await until('bnt/orders', 'Ready', 'True')
  expect(await kubectl('get', 'bnt', 'orders', '-o', 'jsonpath={.status.partitions}')).toBe('9')

  await apply(topic('second', 'topicName: orders'))
  await until('bnt/second', 'Conflicted', 'True')
  await kubectl('delete', 'bnt', 'second', '--timeout=30s')
  expect(await consume('orders')).toEqual(numbered(0, 100))

  await apply(topic('short-lived', 'reclaimPolicy: Delete, replicationFactor: 2'))
  await until('bnt/short-lived', 'Ready', 'True')
  await kubectl('delete', 'bnt', 'short-lived', '--timeout=60s')
  const { stdout } = await fixture.kubernetes.runInside(['kcat', '-L', '-b', bootstrap()])
  expect(stdout).not.toContain('"short-lived"')
  expect(stdout).toContain('"orders"')

  await apply(topic('wrong', 'config: {segment.bytes: 5}'))
  await until('bnt/wrong', 'Ready', 'False', 'InvalidConfig')
  await apply(topic('wrong', 'config: {segment.bytes: 2000000}'))
  await until('bnt/wrong', 'Ready', 'True')
})

test('a setting that brokers read once rolls all of them, and no record is lost', async () => {
  const before = await podUids()
  await apply(cluster('config: {queued.max.requests: "600"}'))
  for (let batch = 1; batch <= 10; batch++) await produce('orders', numbered(batch * 100, 100))
  await until('bnc/kafka', 'UpToDate', 'True')
  await until('bnc/kafka', 'Ready', 'True')
  const after = await podUids()
  expect(after.filter(uid => before.includes(uid))).toEqual([])
  expect(await consume('orders')).toEqual(numbered(0, 1100))
})

test('a setting that brokers take while they run restarts none', async () => {
  const before = await podUids()
  await apply(cluster('config: {queued.max.requests: "600", log.retention.ms: "86400000"}'))
  await until('bnc/kafka', 'Ready', 'True')
  await waitUntil('the ConfigMap remembers it', async () => {
    const told = await kubectl('get', 'configmap', 'kafka-brokers', '-o', 'jsonpath={.metadata.annotations}')
    return told.includes('log.retention.ms') || undefined
  })
  expect(await podUids()).toEqual(before)
})

test('a pod that is deleted comes back with its records', async () => {
  const before = await uidOf('kafka-brokers-1')
  await kubectl('delete', 'pod', 'kafka-brokers-1')
  await waitUntil(
    'another pod is ready',
    async () => {
      const ready = await kubectl(
        'get',
        'pod',
        'kafka-brokers-1',
        '-o',
        'jsonpath={.metadata.uid} {.status.conditions[?(@.type=="Ready")].status}',
        '--ignore-not-found',
      )
      return (ready.endsWith('True') && !ready.startsWith(before)) || undefined
    },
    { deadlineMs: 90_000, everyMs: 500 },
  )
  await until('bnc/kafka', 'Ready', 'True')
  expect(await consume('orders')).toEqual(numbered(0, 1100))
})

test('kubectl scale makes five of three, which get replicas, and three of five, emptied before they go', async () => {
  await kubectl('scale', 'bnc/kafka', '--replicas=5')
  await until('bnc/kafka', 'Ready', 'True')
  await waitUntil(
    'new brokers have replicas',
    async () => {
      const { stdout } = await fixture.kubernetes.runInside(['kcat', '-L', '-b', bootstrap(), '-t', 'orders'])
      return /replicas: [\d,]*[34]/.test(stdout) || undefined
    },
    { deadlineMs: 90_000, everyMs: 1000 },
  )
  await until('bnc/kafka', 'Progressing', 'False')
  await kubectl('scale', 'bnc/kafka', '--replicas=3')
  await until('bnc/kafka', 'Ready', 'True')
  await until('bnc/kafka', 'Progressing', 'False')
  const { stdout } = await fixture.kubernetes.runInside(['kcat', '-L', '-b', bootstrap(), '-t', 'orders'])
  expect(stdout).not.toMatch(/replicas: [\d,]*[34]/)
  expect(await consume('orders')).toEqual(numbered(0, 1100))
})

test('killed in the middle of a roll, the operator goes on with it when it is back', async () => {
  const before = await podUids()
  await apply(cluster('config: {queued.max.requests: "700"}'))
  await waitUntil('the roll has begun', async () => (await podUids()).join() !== before.join() || undefined, {
    deadlineMs: 60_000,
    everyMs: 200,
  })
  await kubectlIn(
    operatorNamespace,
    'delete',
    'pod',
    '-l',
    'app.kubernetes.io/name=barnabas-operator',
    '--grace-period=0',
    '--force',
  )
  await until('bnc/kafka', 'UpToDate', 'True')
  await until('bnc/kafka', 'Ready', 'True')
  expect((await podUids()).filter(uid => before.includes(uid))).toEqual([])
})

test('while nothing changes nothing is written', async () => {
  await until('bnc/kafka', 'Progressing', 'False')
  const writes = async (): Promise<number> => {
    const pods = await kubectlIn(
      operatorNamespace,
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/name=barnabas-operator',
      '--field-selector=status.phase=Running',
      '-o',
      'name',
    )
    const forward = await fixture.kubernetes.forward(
      operatorNamespace,
      pods.trim().split('\n')[0] ?? '',
      8080,
    )
    try {
      const text = await (await fetch(`http://${forward.host}:${forward.port}/metrics`)).text()
      // PUT is the leader lease alone.
      const counts = [
        ...text.matchAll(/^rest_client_requests_total\{method="(?:PATCH|POST|DELETE)",code="\d+"\} (\d+)$/gm),
      ]
      looks = Number(
        /^controller_runtime_reconcile_total\{controller="cluster",result="requeue_after"\} (\d+)$/m.exec(
          text,
        )?.[1] ?? 0,
      )
      return counts.reduce((sum, [, count]) => sum + Number(count), 0)
    } finally {
      await forward.close()
    }
  }
  let looks = 0
  const before = await writes()
  const looksBefore = looks
  await waitUntil(
    'it has looked twice more',
    async () => {
      await writes()
      return looks >= looksBefore + 2 || undefined
    },
    { deadlineMs: 120_000, everyMs: 5000 },
  )
  expect(await writes()).toBe(before)
})

test('a namespace goes away with all that is in it, though the operator is gone', async () => {
  await kubectlIn(operatorNamespace, 'scale', 'deployment/barnabas', '--replicas=0')
  await kubectl('wait', 'pod', '--for=condition=Ready', '--all', '--timeout=60s')
  await fixture.kubernetes.kubectl(['delete', 'namespace', fixture.namespace, '--timeout=150s'])
  await fixture.kubernetes.kubectl(['create', 'namespace', fixture.namespace])
})
