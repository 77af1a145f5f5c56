/** Members of a Cluster's own etcd are lost, one or most of them, while clients produce and fetch. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { CheckedLoad, expectNothingLost } from '../checked-load.ts'
import { cluster, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('etcd-members')

/** `spec` stands two spaces in. */
const threeMembers = (spec = ''): string => cluster(spec).replace('{replicas: 1}', '{replicas: 3}')
const member = (index: number): string => `kafka-etcd-${index}`

let load: CheckedLoad

beforeAll(async () => {
  await operated.apply(threeMembers(), topic('checked', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/checked', 'Ready', 'True')
  load = await CheckedLoad.start(operated, { topic: 'checked', partitions: 3 })
})

afterAll(async () => {
  await load.dispose()
})

/** Name → id, as etcd has them. */
async function members(): Promise<Readonly<Record<string, string>>> {
  const program = join(import.meta.dirname, '..', 'tell-etcd.ts')
  const asked = [process.execPath, program, operated.namespace, '3']
  const { exit, stdout, stderr } = await operated.kubernetes.runInside(asked)
  if (exit !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, string>
}

async function etcdIsWhole(): Promise<void> {
  await waitUntil(
    'all members of etcd are ready',
    async () => {
      const ready = await operated.kubectl(
        'get',
        'sts',
        'kafka-etcd',
        '-o',
        'jsonpath={.status.readyReplicas}',
      )
      return ready === '3' || undefined
    },
    { deadlineMs: 120_000, everyMs: 500 },
  )
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnc/kafka', 'Progressing', 'False')
}

test('a member whose pod is deleted comes back as who it was', async () => {
  const [before, brokers] = [await members(), await operated.podUids()]
  const uid = await operated.uidOf(member(1))
  await operated.kubectl('delete', 'pod', member(1), '--wait=false')
  await load.advances()
  await operated.replaced(member(1), uid)
  await etcdIsWhole()
  expect(await members()).toEqual(before)
  expect(await operated.podUids()).toEqual(brokers)
})

test('a member that loses pod and volume is replaced by a new one, and then another one too', async () => {
  const brokers = await operated.podUids()
  for (const index of [1, 0]) {
    const before = await members()
    const uid = await operated.uidOf(member(index))
    await operated.kubectl('delete', 'pvc', `data-${member(index)}`, '--wait=false')
    await operated.kubectl('delete', 'pod', member(index), '--wait=false')
    await load.advances()
    await operated.replaced(member(index), uid)
    await etcdIsWhole()
    const after = await members()
    expect(Object.keys(after).sort()).toEqual([0, 1, 2].map(member))
    const same = Object.keys(after).filter(name => after[name] === before[name])
    expect(same.sort()).toEqual([0, 1, 2].filter(other => other !== index).map(member))
    await load.advances()
  }
  expect(await operated.podUids()).toEqual(brokers)
})

test('without most members data goes on, nothing is changed or restarted, and it goes on when they are back', async () => {
  const [before, brokers] = [await members(), await operated.podUids()]
  const left = await operated.uidOf(member(2))
  const nodes = await Promise.all([0, 1].map(index => nodeOf(member(index))))
  await operated.kubernetes.kubectl(['cordon', ...new Set(nodes)])
  try {
    await operated.kubectl('delete', 'pod', member(0), member(1), '--grace-period=0', '--force')
    await operated.until('bnc/kafka', 'EtcdAvailable', 'False', 'NoQuorum')
    // What would restart brokers and what would make a topic waits.
    await operated.apply(
      threeMembers('config: {queued.max.requests: "600"}'),
      topic('late', 'partitions: 2, replicationFactor: 3'),
    )
    await operated.until('bnc/kafka', 'UpToDate', 'False', 'RestartsPending')
    await load.advances()
    const told = await operated.kubectl(
      'get',
      'bnc',
      'kafka',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="EtcdAvailable")].message}',
    )
    expect(told).toMatch(
      /^Of 3 members of etcd [01] are ready, and 2 are needed\. kafka-etcd-0: it fits on no node/,
    )
    expect(await operated.podUids()).toEqual(brokers)
    expect(await operated.uidOf(member(2))).toBe(left)
  } finally {
    await operated.kubernetes.kubectl(['uncordon', ...new Set(nodes)])
  }
  await operated.until('bnt/late', 'Ready', 'True')
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await etcdIsWhole()
  expect(await members()).toEqual(before)
  expect(await operated.uidOf(member(2))).toBe(left)
  await load.advances()
  expectNothingLost(await load.finish())
}, 300_000)

function nodeOf(pod: string): Promise<string> {
  return operated.kubectl('get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}')
}
