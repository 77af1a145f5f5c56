/**
 * New pods that do not come up: the roll stops after the first, says which and why, and goes on when the spec is mended.
 * Clients go on through all of it.
 */
import { expect, test } from 'vitest'
import { useLoad } from '../checked-load.ts'
import { cluster, endsQuietly, numbered, topic, useOperator } from '../operated-cluster.ts'

const operated = useOperator('stuck')
const load = useLoad(operated, 'checked')

test('three brokers are ready', async () => {
  await operated.apply(cluster(), topic('orders', 'partitions: 3, replicationFactor: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
  await operated.produce('orders', numbered(0, 100))
  await load.start()
})

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

test('requests above limits are told, and nobody is restarted', async () => {
  const before = await operated.podUids()
  await operated.apply(cluster('brokers: {resources: {requests: {cpu: "2"}, limits: {cpu: "1"}}}'))
  const { message } = await operated.until('bnc/kafka', 'Degraded', 'True', 'ObjectRefused')
  expect(message).toMatch(
    /^Kubernetes does not take StatefulSet kafka-brokers: .*must be less than or equal to cpu limit/,
  )
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
