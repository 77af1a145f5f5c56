/**
 * Changes that people hold back: a plan that has to be approved, pods that they delete themselves, a Cluster that is paused.
 * Clients go on through all of it.
 */
import { expect, test } from 'vitest'
import { useLoad } from '../checked-load.ts'
import { cluster, endsQuietly, numbered, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('held-back')
const load = useLoad(operated, 'checked')

interface Status {
  readonly brokers: { readonly upToDate: number }
  readonly members: readonly { readonly id: number; readonly pendingReason?: string }[]
  readonly plan?: {
    readonly hash: string
    readonly summary: string
    readonly steps: readonly {
      readonly broker?: number
      readonly etcdMember?: number
      readonly action: string
      readonly reason: string
    }[]
  }
}

async function status(): Promise<Status> {
  const found = await operated.kubernetes.get<{ readonly status: Status }>([
    '-n',
    operated.namespace,
    'bnc/kafka',
  ])
  return found.status
}

/** A Cluster with so many requests in its queues, which brokers read when they start, and a mode. */
const withQueue = (requests: number, others: string): string =>
  cluster(`config: {queued.max.requests: "${requests}"}\n  ${others}`)

/** The same with another template for etcd. */
const withEtcd = (manifest: string): string =>
  manifest.replace('{replicas: 1}', '{replicas: 1, resources: {requests: {cpu: 11m}}}')

test('in mode Approve a plan is shown and waits, a changed spec asks anew, and only then brokers restart', async () => {
  const approve = 'rollout: {mode: Approve}'
  await operated.apply(cluster(approve), topic('orders', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
  await operated.produce('orders', numbered(0, 100))
  await load.start()
  const before = await operated.podUids()

  await operated.apply(withQueue(600, approve))
  await operated.until('bnc/kafka', 'UpToDate', 'False', 'ApprovalNeeded')
  const first = (await status()).plan
  expect(first?.steps.map(({ broker }) => broker).sort()).toEqual([0, 1, 2])
  expect(first?.steps[0]).toMatchObject({
    action: 'Restart',
    reason: 'settings change: queued.max.requests',
  })

  const etcdBefore = await operated.uidOf('kafka-etcd-0')
  await operated.apply(withEtcd(withQueue(700, approve)))
  const asked = await operated.until('bnc/kafka', 'UpToDate', 'False', 'ApprovalNeeded')
  const second = (await status()).plan
  expect(second?.hash).not.toBe(first?.hash)
  expect(second?.steps[0]).toMatchObject({ etcdMember: 0, action: 'Restart' })
  expect(asked.message).toContain(`Annotate the Cluster with barnabas.dev/approve-plan=${second?.hash}`)

  await approvePlan(first?.hash)
  await operated.looked()
  expect(await operated.podUids()).toEqual(before)
  expect(await operated.uidOf('kafka-etcd-0')).toBe(etcdBefore)

  await approvePlan(second?.hash)
  await operated.replaced('kafka-etcd-0', etcdBefore)
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect((await operated.podUids()).filter(uid => before.includes(uid))).toEqual([])
  expect((await status()).plan).toBeUndefined()
  await load.advances()
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
})

function approvePlan(hash: string | undefined): Promise<string> {
  return operated.kubectl('annotate', 'bnc/kafka', `barnabas.dev/approve-plan=${hash}`, '--overwrite')
}

test('in mode OnDelete nothing restarts by itself, and the pods that people delete come back new', async () => {
  const onDelete = withQueue(800, 'rollout: {mode: OnDelete}')
  const before = await operated.podUids()
  const etcdBefore = await operated.uidOf('kafka-etcd-0')
  await operated.apply(onDelete)
  const asked = await operated.until('bnc/kafka', 'UpToDate', 'False', 'DeletionNeeded')
  expect(asked.message).toContain(
    'Delete kafka-etcd-0, kafka-brokers-0, kafka-brokers-1, kafka-brokers-2, one after the other',
  )
  await operated.looked()
  expect(await operated.podUids()).toEqual(before)
  expect(await operated.uidOf('kafka-etcd-0')).toBe(etcdBefore)

  await operated.kubectl('delete', 'pod', 'kafka-etcd-0')
  await operated.replaced('kafka-etcd-0', etcdBefore)
  for (const id of [1, 0, 2]) {
    const pod = `kafka-brokers-${id}`
    await operated.kubectl('delete', 'pod', pod)
    await operated.replaced(pod, before[id] ?? '')
    await operated.until('bnc/kafka', 'FullyReplicated', 'True')
    await load.advances()
    await operated.looked()
    const { members } = await status()
    expect(members.find(member => member.id === id)).not.toHaveProperty('pendingReason')
    if (id !== 1) continue
    const old = members.filter(({ pendingReason }) => pendingReason !== undefined)
    expect(old.map(member => member.id)).toEqual([0, 2])
  }
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect((await status()).brokers.upToDate).toBe(3)
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
})

test('while a Cluster is paused nothing is done about it and its Topics, and afterwards all is made up for', async () => {
  const before = await operated.podUids()
  await operated.apply(withQueue(900, 'state: Paused'))
  await operated.until('bnc/kafka', 'Paused', 'True')
  await operated.apply(
    topic('orders', 'partitions: 5, replicationFactor: 3'),
    topic('later', 'partitions: 1'),
  )
  await operated.until('bnt/orders', 'Ready', 'False', 'ClusterPaused')
  await operated.until('bnt/later', 'Ready', 'False', 'ClusterPaused')
  await operated.looked()
  expect(await operated.podUids()).toEqual(before)
  // What was said before is not said of the new spec.
  const waited = ['wait', 'bnc/kafka', '--for=condition=Ready', '--timeout=1s']
  const { exit } = await operated.kubernetes.tryKubectl(['-n', operated.namespace, ...waited])
  expect(exit).not.toBe(0)

  await operated.apply(withQueue(900, 'state: Running'))
  await operated.until('bnt/later', 'Ready', 'True')
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect((await operated.podUids()).filter(uid => before.includes(uid))).toEqual([])
  expect(await operated.kubectl('get', 'bnt', 'orders', '-o', 'jsonpath={.status.partitions}')).toBe('5')
  await load.endsWithNothingLost({ leastInSync: 2 })
})

endsQuietly(operated)
