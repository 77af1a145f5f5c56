/**
 * Pods that Kubernetes refuses to make, and new pods that do not come up: the roll stops after the first, says which and why,
 * and goes on when the spec is mended. Clients go on through all of it.
 */
import { expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { useLoad } from '../checked-load.ts'
import { cluster, endsQuietly, numbered, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('stuck')
const load = useLoad(operated, 'checked')

test('a quota that leaves no room for pods is told until there is room', async () => {
  await operated.kubectl('create', 'quota', 'none', '--hard=pods=0')
  await waitUntil('the quota counts', async () => {
    const hard = await operated.kubectl('get', 'quota', 'none', '-o', 'jsonpath={.status.hard.pods}')
    return hard === '0' || undefined
  })
  await operated.apply(cluster())
  const refused = (name: string): string =>
    `Kubernetes does not take pods of StatefulSet kafka-${name}: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0.`
  await waitUntil('both are told', async () => {
    const { message } = await operated.until('bnc/kafka', 'Degraded', 'True', 'PodsRefused')
    return ['brokers', 'etcd'].every(name => message.includes(refused(name))) || undefined
  })
  const before = await told()
  await operated.looked()
  expect(await told()).toBe(before)

  await operated.kubectl('delete', 'quota', 'none')
  await operated.until('bnc/kafka', 'Degraded', 'False')
  await operated.until('bnc/kafka', 'Ready', 'True')
})

test('three brokers are ready', async () => {
  await operated.apply(topic('orders', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
  await operated.produce('orders', numbered(0, 100))
  await load.start()
})

/** The whole status. */
function told(): Promise<string> {
  return operated.kubectl('get', 'bnc', 'kafka', '-o', 'jsonpath={.status}')
}

const mistakes: readonly (readonly [what: string, spec: string, why: RegExp])[] = [
  [
    'an image that does not exist',
    'image: localhost/barnabas:missing',
    /image.*localhost\/barnabas:missing/i,
  ],
  [
    'a variable that keeps brokers from starting',
    'brokers: {template: {env: [{name: NODE_OPTIONS, value: --no-such-option}]}}',
    /it ends again and again with exit code 9; its log says why/,
  ],
  [
    'more than any node has',
    'brokers: {resources: {requests: {cpu: "1000"}}}',
    /it fits on no node: .*Insufficient cpu/,
  ],
]

test.each(mistakes)('%s stops the roll after one broker', async (_, spec, why) => {
  const before = await operated.podUids()
  await operated.apply(cluster(spec))
  const { message } = await operated.until('bnc/kafka', 'Degraded', 'True', 'RollStalled')
  expect(message).toMatch(why)
  await operated.looked()
  const during = await operated.podUids()
  const changed = [0, 1, 2].filter(id => during[id] !== before[id])
  expect(changed).toHaveLength(1)
  expect(message).toContain(`Broker ${changed[0]} does not come up`)
  expect(await operated.kubectl('get', 'bnc', 'kafka')).toMatch(/kafka +False +2\/3 +False/)
  // The other two go on.
  await load.advances()
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))

  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
  const after = await operated.podUids()
  expect([0, 1, 2].filter(id => after[id] !== before[id])).toEqual(changed)
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
})

test('a priority that does not exist is told, and one broker waits for it', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('brokers: {template: {priorityClassName: none-such}}'))
  const { message } = await operated.until('bnc/kafka', 'Degraded', 'True', 'PodsRefused')
  expect(message).toBe(
    'Kubernetes does not take pods of StatefulSet kafka-brokers: no PriorityClass with name none-such was found.',
  )
  await operated.looked()
  const during = await operated.podUids()
  expect(during.map((uid, id) => (uid === before[id] ? 'stays' : uid)).sort()).toEqual(['', 'stays', 'stays'])
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
  const after = await operated.podUids()
  expect(after.map((uid, id) => uid === before[id])).toEqual(during.map((uid, id) => uid === before[id]))
})

const refused: readonly (readonly [what: string, spec: string, why: RegExp])[] = [
  [
    'requests above limits',
    'brokers: {resources: {requests: {cpu: "2"}, limits: {cpu: "1"}}}',
    /^Kubernetes does not take StatefulSet kafka-brokers: .*must be less than or equal to cpu limit/,
  ],
  [
    'nodes that are chosen by comparison with nothing',
    'brokers: {template: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: ' +
      '{nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In}]}]}}}}}',
    /^Kubernetes does not take StatefulSet kafka-brokers: .*nodeAffinity.*values: Required value/,
  ],
]

test.each(refused)('%s are told, and nobody is restarted', async (_, spec, why) => {
  const before = await operated.podUids()
  await operated.apply(cluster(spec))
  const { message } = await operated.until('bnc/kafka', 'Degraded', 'True', 'ObjectRefused')
  expect(message).toMatch(why)
  await operated.looked()
  expect(await operated.podUids()).toEqual(before)
  await operated.apply(cluster())
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect(await operated.podUids()).toEqual(before)
})

test('a mended spec that is another one goes through all of them', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('image: localhost/barnabas:missing'))
  await operated.until('bnc/kafka', 'Degraded', 'True', 'RollStalled')
  await operated.apply(cluster(`image: ${operated.image}\n  config: {queued.max.requests: "600"}`))
  await operated.until('bnc/kafka', 'UpToDate', 'True')
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect((await operated.podUids()).filter(uid => before.includes(uid))).toEqual([])
  expect(await operated.consume('orders')).toEqual(numbered(0, 100))
  await load.endsWithNothingLost({ leastInSync: 2 })
})

endsQuietly(operated)
