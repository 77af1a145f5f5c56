/** A Cluster's own etcd is given more members, and fewer, while clients produce and fetch. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { CheckedLoad, expectNothingLost } from '../checked-load.ts'
import { etcdIsWhole, loseMember, member, membersOf, withMembers } from '../members-of-etcd.ts'
import { endsQuietly, letThisMachineIn, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('etcd-grows')

let load: CheckedLoad
let brokers: readonly string[]

beforeAll(async () => {
  await letThisMachineIn(operated)
  await operated.apply(withMembers(1), topic('checked', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/checked', 'Ready', 'True')
  brokers = await operated.podUids()
  load = await CheckedLoad.start(operated, { topic: 'checked', partitions: 3 })
})

afterAll(async () => {
  await load.dispose()
})

/** Pods of the first members. */
const uidsOf = (members: number): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: members }, (_, index) => operated.uidOf(member(index))))
const mostAway = (): Promise<string> =>
  operated.kubectl('get', 'pdb', 'kafka-etcd', '-o', 'jsonpath={.spec.maxUnavailable}')

/** The operator is killed meanwhile. */
async function resize(from: number, to: number): Promise<void> {
  const [stays, before] = await Promise.all([uidsOf(Math.min(from, to)), membersOf(operated, from)])
  await operated.apply(withMembers(to))
  await operated.until('bnc/kafka', 'UpToDate', 'False', 'EtcdChanges')
  await operated.killOperator()
  await operated.until('bnc/kafka', 'Ready', 'True', undefined, 180_000)
  await etcdIsWhole(operated, to)
  const after = await membersOf(operated, Math.max(from, to))
  expect(Object.keys(after).sort()).toEqual(Array.from({ length: to }, (_, index) => member(index)))
  expect(Object.entries(after).filter(([name, id]) => before[name] === id)).toHaveLength(Math.min(from, to))
  expect(await uidsOf(Math.min(from, to))).toEqual(stays)
  expect(await mostAway()).toBe('1')
  await load.advances()
}

test('one member becomes three: nothing restarts, neither brokers nor the member that was there', async () => {
  await resize(1, 3)
  expect(await operated.podUids()).toEqual(brokers)
}, 240_000)

test('the member that was there first may then be lost with its data: topics are made meanwhile', async () => {
  const [before, uid] = [await membersOf(operated), await operated.uidOf(member(0))]
  await loseMember(operated, 0)
  await operated.apply(topic('meanwhile', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnt/meanwhile', 'Ready', 'True')
  await load.advances()
  await operated.replaced(member(0), uid)
  await etcdIsWhole(operated)
  const after = await membersOf(operated)
  expect(Object.keys(after).sort()).toEqual([0, 1, 2].map(member))
  expect(after[member(0)]).not.toBe(before[member(0)])
  expect(await operated.podUids()).toEqual(brokers)
}, 240_000)

test('a member that fits nowhere is told of, harms nobody, and joins when it fits', async () => {
  const nodes = (await operated.kubernetes.kubectl(['get', 'nodes', '-o', 'name'])).trim().split(/\s+/)
  await operated.kubernetes.kubectl(['cordon', ...nodes])
  try {
    await operated.apply(withMembers(5))
    const told = await operated.until('bnc/kafka', 'Degraded', 'True', 'NeedsHelp', 150_000)
    expect(told.message).toMatch(
      /^kafka-etcd-3 does not come up, so etcd does not grow to 5 members: it fits on no node: .*The members that were there go on/,
    )
    expect(Object.keys(await membersOf(operated)).sort()).toContain(member(2))
    await load.advances()
  } finally {
    await operated.kubernetes.kubectl(['uncordon', ...nodes])
  }
  await operated.until('bnc/kafka', 'Ready', 'True', undefined, 180_000)
  await etcdIsWhole(operated, 5)
  expect(await operated.podUids()).toEqual(brokers)
}, 400_000)

test('five become one: nothing restarts, and volumes of those that left are gone', async () => {
  await resize(5, 1)
  await waitUntil(
    'only the volume of the first member is there',
    async () => !/etcd-[1-4]/.test(await operated.kubectl('get', 'pvc', '-o', 'name')) || undefined,
    { deadlineMs: 60_000, everyMs: 500 },
  )
  expect(await operated.podUids()).toEqual(brokers)
  expectNothingLost(await load.finish())
}, 300_000)

endsQuietly(operated)
