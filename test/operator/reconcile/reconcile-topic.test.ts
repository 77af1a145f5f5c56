import { describe, expect, test } from 'vitest'
import {
  type ActualTopic,
  type ObservedTopic,
  ownerSetting,
} from '../../../operator/reconcile/observed-topic.ts'
import { reconcileTopic, topicFinalizer } from '../../../operator/reconcile/reconcile-topic.ts'
import { readResource } from '../../../operator/resources/read-resource.ts'

const owner = 'team/orders uid-1'

interface Given {
  readonly spec?: object
  readonly metadata?: object
  readonly status?: object
  readonly actual?: Partial<ActualTopic> & { readonly count?: number; readonly replicas?: number[] }
  readonly cluster?: ObservedTopic['cluster']
  readonly kafka?: ObservedTopic['kafka']
  readonly refusal?: ObservedTopic['refusal']
  readonly brokers?: number
}

function anActual({
  count = 3,
  replicas = [0, 1, 2],
  ...rest
}: NonNullable<Given['actual']> = {}): ActualTopic {
  return {
    name: 'orders',
    id: 'the-id',
    isInternal: false,
    partitions: Array.from({ length: count }, (_, index) => ({
      index,
      leader: 0,
      replicas,
      inSync: replicas,
    })),
    settings: new Map([[ownerSetting, owner]]),
    isMoving: false,
    hasLivingOwner: true,
    ...rest,
  }
}

function reconcile({
  spec = {},
  metadata = {},
  status,
  actual,
  cluster,
  kafka,
  refusal,
  brokers = 4,
}: Given) {
  const object = {
    apiVersion: 'barnabas.dev/v1',
    kind: 'Topic',
    metadata: { name: 'orders', namespace: 'team', uid: 'uid-1', generation: 3, ...metadata },
    spec: { clusterRef: { name: 'demo' }, ...spec },
    ...(status === undefined ? {} : { status }),
  }
  const { resource } = readResource({ ...object, status: undefined })
  if (resource?.kind !== 'Topic') throw new Error('no topic')
  const placement = {
    kind: 'reached' as const,
    clusterId: 'c',
    controllerId: 0,
    brokers: Array.from({ length: brokers }, (_, id) => ({
      id,
      host: '',
      port: 1,
      rack: null,
      isFenced: false,
    })),
    topics: [],
    moves: [],
    dynamicSettings: new Map(),
    throttled: new Set<string>(),
    cordoned: new Set<number>(),
    advertised: new Map(),
  }
  const result = reconcileTopic({
    object,
    topic: resource.topic,
    cluster: cluster ?? { kind: 'present', refusal: undefined, isPaused: false },
    kafka: kafka ?? {
      kind: 'reached',
      actual: actual === undefined ? undefined : anActual(actual),
      placement,
    },
    refusal,
    nowMs: 0,
  })
  const ready = result.status.conditions?.find(({ type }) => type === 'Ready')
  const isSet = (type: string): boolean =>
    result.status.conditions?.find(each => each.type === type)?.status === 'True'
  return { ...result, ready, isSet }
}

test('one that is as it should be is told so, and nothing is done', () => {
  const { actions, status, ready } = reconcile({ spec: { partitions: 3 }, actual: {} })
  expect(actions).toEqual([])
  expect(ready).toMatchObject({ status: 'True', reason: 'InSync', observedGeneration: 3 })
  expect(status).toMatchObject({
    topicId: 'the-id',
    topicName: 'orders',
    partitions: 3,
    replicationFactor: 3,
  })
  const again = reconcile({ spec: { partitions: 3 }, actual: {}, status })
  expect(again.status).toEqual(status)
})

test('another replication factor moves replicas, and while they move it is not ready', () => {
  const { actions } = reconcile({ spec: { replicationFactor: 2 }, actual: { count: 1 } })
  expect(actions).toEqual([
    { kind: 'moveReplicas', moves: [{ topic: 'orders', partition: 0, replicas: [0, 1] }] },
  ])
  const moving = reconcile({ spec: { replicationFactor: 2 }, actual: { isMoving: true } })
  expect(moving.actions).toEqual([])
  expect(moving.ready?.reason).toBe('Reassigning')
  const tooMany = reconcile({ spec: { replicationFactor: 9 }, actual: {} })
  expect(tooMany.ready?.message).toBe('There are not enough brokers for 9 replicas of topic orders.')
})

test('fewer partitions than there are are refused', () => {
  const { actions, ready, isSet } = reconcile({ spec: { partitions: 2 }, actual: {} })
  expect(actions).toEqual([])
  expect(ready).toMatchObject({ status: 'False', reason: 'PartitionDecreaseRefused' })
  expect(isSet('Stalled')).toBe(true)
  // Its settings are looked after all the same.
  const others = reconcile({ spec: { partitions: 2, config: { 'retention.ms': '5' } }, actual: {} })
  expect(others.actions.map(({ kind }) => kind)).toEqual(['alterSettings'])
})

describe('a topic that nobody looks after', () => {
  const abandoned = { settings: new Map([[ownerSetting, 'team/orders uid-0']]), hasLivingOwner: false }
  const adopt = {
    kind: 'alterSettings',
    name: 'orders',
    changes: [{ name: ownerSetting, from: 'team/orders uid-0', to: owner }],
  }

  test('is only adopted, not changed, when differences are to be reported', () => {
    const spec = { partitions: 4, adoptionPolicy: 'Always', driftPolicy: 'Report' }
    expect(reconcile({ spec, actual: abandoned }).actions).toEqual([adopt])
  })
})

test('what the brokers refuse is told in their words, and not asked again at once', () => {
  const refusal = { error: 'INVALID_CONFIG', message: 'No such thing.' }
  const { actions, ready } = reconcile({ refusal })
  expect(actions).toEqual([])
  expect(ready).toMatchObject({
    reason: 'InvalidConfig',
    message: 'The brokers refuse it: No such thing. (INVALID_CONFIG)',
  })
})

test('brokers that are away for a moment are no news, and are when nothing was said of this spec yet', () => {
  const kafka = { kind: 'unreachable', reason: 'gone.' } as const
  const status = { observedGeneration: 3, topicName: 'orders' }
  expect(reconcile({ kafka, status }).status).toEqual(status)
  expect(reconcile({ kafka, status: { observedGeneration: 2 } }).ready?.reason).toBe('ClusterUnavailable')
})

test('without a Cluster, or without its leave, nothing is done', () => {
  expect(reconcile({ cluster: { kind: 'absent' } }).ready?.reason).toBe('ClusterNotFound')
  expect(reconcile({ cluster: { kind: 'present', refusal: 'No.', isPaused: false } }).ready).toMatchObject({
    reason: 'NamespaceNotAllowed',
    message: 'No.',
  })
})

describe('a namespace that may have only so many partitions', () => {
  const cluster = (others: number): ObservedTopic['cluster'] => ({
    kind: 'present',
    refusal: undefined,
    isPaused: false,
    quota: { mostPartitions: 10, others, defaultPartitions: 2 },
  })

  test('gets a topic that fits, and not one that does not', () => {
    const create = (others: number, spec: object) => reconcile({ spec, cluster: cluster(others) })
    expect(create(4, { partitions: 6 }).actions[0]?.kind).toBe('createTopic')
    expect(create(5, { partitions: 6 }).actions).toEqual([])
    expect(create(5, { partitions: 6 }).ready).toMatchObject({
      status: 'False',
      reason: 'QuotaExceeded',
      message: expect.stringContaining(
        'may have 10 partitions in this Cluster, its other topics have 5, and this one asks for 6;',
      ),
    })
    expect(create(8, {}).actions[0]?.kind).toBe('createTopic')
    expect(create(9, {}).ready?.reason).toBe('QuotaExceeded')
  })

  test('keeps what it has, and cannot grow or adopt beyond that', () => {
    expect(reconcile({ spec: { partitions: 3 }, actual: {}, cluster: cluster(20) }).ready?.reason).toBe(
      'InSync',
    )
    const grown = reconcile({ spec: { partitions: 5 }, actual: {}, cluster: cluster(6) })
    expect(grown.ready?.reason).toBe('QuotaExceeded')
    expect(grown.status.partitions).toBe(3)
    const foreign = { settings: new Map<string, string>() }
    expect(reconcile({ actual: foreign, cluster: cluster(8) }).ready?.reason).toBe('QuotaExceeded')
    expect(reconcile({ actual: foreign, cluster: cluster(7) }).actions[0]?.kind).toBe('alterSettings')
  })
})

test('of a Cluster that is paused no topic is touched', () => {
  const cluster = { kind: 'present', refusal: undefined, isPaused: true } as const
  const { actions, ready, isSet } = reconcile({ cluster, spec: { partitions: 9 }, actual: {} })
  expect(actions).toEqual([])
  expect(ready?.reason).toBe('ClusterPaused')
  expect(isSet('Stalled')).toBe(false)
  const going = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [topicFinalizer] }
  const held = reconcile({ cluster, spec: { reclaimPolicy: 'Delete' }, metadata: going, actual: {} })
  expect(held.actions).toEqual([])
  expect(held.isSet('DeletionBlocked')).toBe(true)
})

test('a topic that somebody deleted is made again, or told to be gone', () => {
  const status = { observedGeneration: 3, topicId: 'the-id' }
  expect(reconcile({ status }).actions.map(({ kind }) => kind)).toEqual(['createTopic'])
  const reported = reconcile({ status, spec: { driftPolicy: 'Report' } })
  expect(reported.actions).toEqual([])
  expect(reported.ready).toMatchObject({ status: 'False', reason: 'Gone' })
})

describe('deletion', () => {
  const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' }
  const held = { ...gone, finalizers: [topicFinalizer, 'of.others/x'] }
  const release = { kind: 'setFinalizer', isWanted: false }
  const spec = { reclaimPolicy: 'Delete' }

  test('a finalizer stands before anything is made, only where something would have to be removed', () => {
    expect(reconcile({ spec }).actions).toEqual([{ kind: 'setFinalizer', isWanted: true }])
    expect(reconcile({ spec, metadata: { finalizers: [topicFinalizer] } }).actions[0]?.kind).toBe(
      'createTopic',
    )
    expect(reconcile({ metadata: { finalizers: [topicFinalizer] }, actual: {} }).actions).toEqual([release])
  })

  test('nothing is left to be done where the Cluster is gone or going, or the topic is another one', () => {
    expect(reconcile({ spec, metadata: held, cluster: { kind: 'absent' } }).actions).toEqual([release])
    expect(reconcile({ spec, metadata: held, cluster: { kind: 'deleting' } }).actions).toEqual([release])
    const other = { settings: new Map([[ownerSetting, 'other/orders uid-9']]) }
    expect(reconcile({ spec, metadata: held, actual: other }).actions).toEqual([release])
    expect(reconcile({ spec, metadata: gone, actual: {} }).actions).toEqual([])
  })

  test('a Topic that stays is let go as soon as its Cluster goes, and not when there merely is none', () => {
    const metadata = { finalizers: held.finalizers }
    expect(reconcile({ spec, metadata, cluster: { kind: 'deleting' } }).actions).toEqual([release])
    expect(reconcile({ spec, metadata, cluster: { kind: 'absent' } }).actions).toEqual([])
    const released = reconcile({ spec, metadata: {}, cluster: { kind: 'deleting' } })
    expect(released.actions).toEqual([])
    expect(released.ready).toMatchObject({ status: 'False', reason: 'ClusterNotFound' })
  })

  test('brokers that cannot be asked hold it back, and it says how to get out of that', () => {
    const kafka = { kind: 'unreachable', reason: 'No broker answers.' } as const
    const { actions, isSet, ready } = reconcile({ spec, metadata: held, kafka })
    expect(actions).toEqual([])
    expect(isSet('DeletionBlocked')).toBe(true)
    expect(ready?.message).toContain('Set reclaimPolicy to Retain')
    expect(reconcile({ spec: {}, metadata: held, kafka }).actions).toEqual([release])
  })
})
