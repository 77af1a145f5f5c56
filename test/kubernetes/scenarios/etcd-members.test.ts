/** Members of a Cluster's own etcd are lost, one or most of them, while clients produce and fetch. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CheckedLoad, expectNothingLost } from '../checked-load.ts'
import { etcdIsWhole, member, membersOf, withMembers } from '../members-of-etcd.ts'
import { endsQuietly, letThisMachineIn, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('etcd-members')

let load: CheckedLoad

beforeAll(async () => {
  await letThisMachineIn(operated)
  await operated.apply(withMembers(3), topic('checked', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/checked', 'Ready', 'True')
  load = await CheckedLoad.start(operated, { topic: 'checked', partitions: 3 })
})

afterAll(async () => {
  await load.dispose()
})

test('a member whose pod is deleted comes back as who it was', async () => {
  const [before, brokers] = [await membersOf(operated), await operated.podUids()]
  const uid = await operated.uidOf(member(1))
  await operated.kubectl('delete', 'pod', member(1), '--wait=false')
  await load.advances()
  await operated.replaced(member(1), uid)
  await etcdIsWhole(operated)
  expect(await membersOf(operated)).toEqual(before)
  expect(await operated.podUids()).toEqual(brokers)
})

test('a member that loses pod and volume is replaced by a new one, and then another one too', async () => {
  const brokers = await operated.podUids()
  for (const index of [1, 0]) {
    const before = await membersOf(operated)
    const uid = await operated.uidOf(member(index))
    await operated.kubectl('delete', 'pvc', `data-${member(index)}`, '--wait=false')
    await operated.kubectl('delete', 'pod', member(index), '--wait=false')
    await load.advances()
    await operated.replaced(member(index), uid)
    await etcdIsWhole(operated)
    const after = await membersOf(operated)
    expect(Object.keys(after).sort()).toEqual([0, 1, 2].map(member))
    const same = Object.keys(after).filter(name => after[name] === before[name])
    expect(same.sort()).toEqual([0, 1, 2].filter(other => other !== index).map(member))
    await load.advances()
  }
  expect(await operated.podUids()).toEqual(brokers)
})

test('without most members data goes on, nothing is changed or restarted, and it goes on when they are back', async () => {
  const [before, brokers] = [await membersOf(operated), await operated.podUids()]
  const left = await operated.uidOf(member(2))
  const nodes = await Promise.all([0, 1].map(index => nodeOf(member(index))))
  await operated.kubernetes.kubectl(['cordon', ...new Set(nodes)])
  try {
    await operated.kubectl('delete', 'pod', member(0), member(1), '--grace-period=0', '--force')
    await operated.until('bnc/kafka', 'EtcdAvailable', 'False', 'NoQuorum')
    // What would restart brokers and what would make a topic waits.
    await operated.apply(
      withMembers(3, 'config: {queued.max.requests: "600"}'),
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
  await etcdIsWhole(operated)
  expect(await membersOf(operated)).toEqual(before)
  expect(await operated.uidOf(member(2))).toBe(left)
  await load.advances()
  expectNothingLost(await load.finish())
}, 300_000)

endsQuietly(operated)

function nodeOf(pod: string): Promise<string> {
  return operated.kubectl('get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}')
}
