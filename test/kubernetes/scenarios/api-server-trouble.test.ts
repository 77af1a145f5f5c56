/** The way to the API server is bad, for the operator alone: it waits, comes back by itself, and misses nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { cluster, topic, useOperator } from '../operated-cluster.ts'
import { WatchedOperator } from '../watched-operator/watched-operator.ts'

const operated = useOperator('api-server', { replicas: 0 })

let watched: WatchedOperator

beforeAll(async () => {
  watched = await WatchedOperator.start(operated, { mostBrokers: 1, mostMembers: 1 })
  await operated.apply(cluster('brokers: {replicas: 1}'), topic('orders', 'partitions: 1'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
})

afterAll(async () => {
  await watched.stop()
})

test('an API server that is away for longer than a leader lease is waited for', async () => {
  const before = await operated.podUids(1)
  const endsBefore = watched.ends.length
  watched.make('away')
  await operated.apply(topic('orders', 'partitions: 2'))
  // Whoever cannot renew the lease must not go on: another one may lead.
  await waitUntil(
    'the operator gave up, and a new one waits',
    () => watched.ends.length > endsBefore || undefined,
    {
      deadlineMs: 60_000,
    },
  )
  expect(watched.ends[endsBefore]).toMatch(/^1: /)
  await waitUntil('the new one has asked in vain', () => /does not answer/.test(watched.log) || undefined, {
    deadlineMs: 30_000,
  })
  watched.make('none')
  await operated.until('bnt/orders', 'Ready', 'True', undefined, 30_000)
  expect(watched.ends).toHaveLength(endsBefore + 1)
  expect(await operated.podUids(1)).toEqual(before)
})

test('a server that refuses every other request is served all the same', async () => {
  watched.make('refusing')
  await operated.apply(topic('stormy', 'partitions: 1'), topic('orders', 'partitions: 3'))
  await operated.until('bnt/stormy', 'Ready', 'True')
  await operated.until('bnt/orders', 'Ready', 'True')
  watched.make('none')
})

test('watches that go silent are noticed, and what they did not tell is seen', async () => {
  watched.make('silent')
  await operated.apply(topic('unheard', 'partitions: 1'))
  await operated.until('bnt/unheard', 'Ready', 'True', undefined, 240_000)
  watched.make('none')
}, 300_000)

test('in the end nothing is written while nothing changes', async () => {
  // It looks every half minute.
  await waitUntil('nothing is written', () => watched.quietMs > 35_000 || undefined, { deadlineMs: 120_000 })
})
