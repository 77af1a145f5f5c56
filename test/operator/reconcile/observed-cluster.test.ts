import { expect, test } from 'vitest'
import {
  partitionsOutOfSync,
  partitionsWithoutLeader,
  type ReachedKafka,
  replicasByBroker,
} from '../../../operator/reconcile/observed-cluster.ts'

type Partition = ReachedKafka['topics'][number]['partitions'][number]

const partition = (index: number, leader: number, replicas: number[], inSync = replicas): Partition => ({
  index,
  leader,
  replicas,
  inSync,
})
const topic = { id: '0'.repeat(32), isInternal: false }
const kafka: ReachedKafka = {
  kind: 'reached',
  clusterId: 'an-id',
  controllerId: 0,
  brokers: [],
  topics: [
    {
      ...topic,
      name: 'orders',
      partitions: [partition(0, 0, [0, 1]), partition(1, -1, [1, 2], []), partition(2, 2, [2, 0], [2])],
    },
    { ...topic, name: 'bills', partitions: [partition(0, -1, [1], [])] },
  ],
  moves: [
    { topic: 'orders', partition: 2, adding: [0], removing: [] },
    { topic: 'bills', partition: 0, adding: [], removing: [] },
  ],
  dynamicSettings: new Map(),
  throttled: new Set(),
  cordoned: new Set(),
  advertised: new Map(),
}

test('a partition that moves and lacks replicas is named once, and no more are named than asked for', () => {
  expect(partitionsOutOfSync(kafka, 5)).toEqual(['orders-2', 'bills-0', 'orders-1'])
  expect(partitionsOutOfSync(kafka, 1)).toEqual(['orders-2'])
  expect(partitionsOutOfSync({ ...kafka, moves: [] }, 2)).toEqual(['orders-1', 'orders-2'])
})

test('partitions without a leader and replicas of each broker are counted over all topics', () => {
  expect(partitionsWithoutLeader(kafka)).toBe(2)
  expect(Object.fromEntries(replicasByBroker(kafka))).toEqual({ 0: 2, 1: 3, 2: 2 })
})
