import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brokerFile } from '../../../operator/desired/broker-settings.ts'
import { podFacts } from '../../../operator/reconcile/pods.ts'
import { FakeWorld, Killed } from './fake-world.ts'
import { condition, oneEtcd, orders, restarts, settled } from './lives.ts'

test('an empty spec becomes a cluster that is ready, and then nothing is written any more', () => {
  const world = settled({})
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', reason: 'AllGood' })
  expect(world.status.brokers).toMatchObject({ total: 3, ready: 3, upToDate: 3, summary: '3/3' })
  expect(world.status.members?.map(({ rack }) => rack)).toEqual(['zone-a', 'zone-b', 'zone-c'])
  const { writes } = world
  for (let minute = 0; minute < 10; minute++) {
    world.nowMs += 60_000
    expect(world.reconcile().actions).toEqual([])
  }
  expect(world.writes).toBe(writes)
})

test('what can be told to running brokers restarts none, and is taken back when it is not given any more', () => {
  const world = settled(oneEtcd, orders)
  world.change({ ...oneEtcd, config: { 'log.retention.ms': '1000' }, logging: { level: 'debug' } })
  world.settle()
  expect(restarts(world)).toEqual([])
  expect(Object.fromEntries(world.dynamicSettings)).toMatchObject({
    'log.retention.ms': '1000',
    'log.level': 'debug',
  })
  // Somebody else's setting is left alone.
  world.dynamicSettings.set('background.threads', '7')
  world.change(oneEtcd)
  world.settle()
  expect(Object.fromEntries(world.dynamicSettings)).toEqual({
    'background.threads': '7',
    'log.level': 'info',
    'min.insync.replicas': '2',
  })
})

test('the racks of brokers stand where new pods find them, and one that runs with another is restarted', () => {
  const world = settled(oneEtcd, orders)
  const file = (id: number): string | undefined =>
    world.objects.get('ConfigMap/demo-brokers')?.data?.[brokerFile(world.context, id)]
  expect([0, 1, 2].map(file)).toEqual(
    ['a', 'b', 'c'].map(zone => expect.stringContaining(`broker.rack=zone-${zone}`)),
  )
  world.deletePod('demo-brokers-1')
  world.reconcile()
  expect(file(1)).toContain('broker.rack=zone-b')
  world.oldRacks.set(1, 'zone-z')
  world.settle()
  expect(world.history.filter(line => line.startsWith('restart'))).toEqual([
    'restart 1: its rack changes from zone-z to zone-b',
  ])
})

test('a bad image from the very start is replaced without anybody to grant it', () => {
  const world = new FakeWorld({ ...oneEtcd, image: 'example/broken:1' })
  world.brokenImages.add('example/broken:1')
  world.settle()
  expect(condition(world, 'Ready')?.status).toBe('False')
  world.change({ ...oneEtcd, image: 'example/good:1' })
  world.settle()
  expect(condition(world, 'Ready')?.status).toBe('True')
})

describe('rollout.mode', () => {
  test('a spec that changes while an approved plan is carried out asks anew', () => {
    const approve = { ...oneEtcd, rollout: { mode: 'Approve' } }
    const world = settled(approve, orders)
    world.change({ ...approve, image: 'example/new:2' })
    world.settle()
    world.annotations = { 'barnabas.dev/approve-plan': world.status.plan?.hash ?? '' }
    world.reconcile()
    expect(restarts(world)).toEqual([1])
    world.change({ ...approve, image: 'example/new:3' })
    world.settle()
    expect(restarts(world)).toEqual([1])
    expect(world.status.plan?.hash).not.toBe(world.annotations['barnabas.dev/approve-plan'])
  })

  test('OnDelete leaves it to people', () => {
    const onDelete = { ...oneEtcd, rollout: { mode: 'OnDelete' } }
    const world = settled(onDelete, orders)
    world.change({ ...onDelete, image: 'example/new:2' })
    world.settle()
    expect(restarts(world)).toEqual([])
    expect(condition(world, 'UpToDate')).toMatchObject({ status: 'False', reason: 'DeletionNeeded' })
    for (const id of [0, 1, 2]) {
      world.deletePod(`demo-brokers-${id}`)
      world.settle()
    }
    expect(condition(world, 'UpToDate')?.status).toBe('True')
  })
})

describe('scaling', () => {
  const three = { ...oneEtcd, brokers: { replicas: 3 } }
  const five = { ...oneEtcd, brokers: { replicas: 5 } }

  test('new brokers get their share of replicas, zone by zone, and nobody is restarted', () => {
    const world = settled(three, {
      big: Array.from({ length: 10 }, (_, at) => [at % 3, (at + 1) % 3, (at + 2) % 3]),
    })
    world.change(five)
    world.settle()
    const counts = [0, 1, 2, 3, 4].map(
      id => [...world.topics.values()].flat().filter(({ replicas }) => replicas.includes(id)).length,
    )
    // Every partition is in three zones, and in one of them broker 2 is alone.
    expect(counts).toEqual([5, 5, 10, 5, 5])
    expect(restarts(world)).toEqual([])
    expect(condition(world, 'Ready')?.status).toBe('True')
  })

  test('brokers that leave are emptied first, and nothing is lost', () => {
    const world = settled(five, {
      orders: [
        [0, 3, 4],
        [4, 1, 2],
        [3, 4, 0],
      ],
    })
    world.change(three)
    world.settle(300, () => {
      for (const { replicas } of [...world.topics.values()].flat()) {
        expect(replicas.every(id => id < world.pods('brokers').length)).toBe(true)
      }
    })
    expect(world.pods('brokers').map(pod => podFacts(pod).index)).toEqual([0, 1, 2])
    for (const { replicas } of [...world.topics.values()].flat()) {
      expect(new Set(replicas)).toEqual(new Set([0, 1, 2]))
    }
    expect(condition(world, 'Ready')?.status).toBe('True')
  })
})

test('an object that Kubernetes does not take is told, whatever else is under way, until it is taken', () => {
  const world = settled(oneEtcd, orders)
  world.change({ ...oneEtcd, image: 'example/new:2' })
  world.notTaken = 'Kubernetes does not take StatefulSet demo-brokers: requests must be at most limits.'
  world.settle()
  for (const type of ['Degraded', 'Stalled'])
    expect(condition(world, type)).toMatchObject({ status: 'True', message: world.notTaken })
  expect(condition(world, 'Ready')).toMatchObject({
    status: 'False',
    reason: 'ObjectRefused',
    message: world.notTaken,
  })
  world.notTaken = undefined
  world.settle()
  expect(condition(world, 'Ready')?.status).toBe('True')
})

test.each(['brokers', 'etcd'] as const)(
  'pods of %s that Kubernetes refuses are told until they come',
  component => {
    const world = settled({ etcd: { managed: { replicas: 3 } } }, orders)
    const why = `Kubernetes does not take pods of StatefulSet demo-${component}: exceeded quota: few.`
    world.deletePod(`demo-${component}-2`)
    world.refusedPods.set(`demo-${component}`, why)
    world.reconcile()
    for (const type of ['Degraded', 'Stalled'])
      expect(condition(world, type)).toMatchObject({ status: 'True', reason: 'PodsRefused', message: why })
    expect(condition(world, 'Ready')).toMatchObject({ status: 'False', reason: 'PodsRefused', message: why })
    const states = (): (string | undefined)[] =>
      (component === 'etcd' ? world.status.etcd?.members : world.status.members)?.map(({ state }) => state) ??
      []
    expect(states()).toEqual(['Ready', 'Ready', 'Failed'])
    const told = JSON.stringify(world.status)
    world.nowMs += 600_000
    world.reconcile()
    world.reconcile()
    expect(JSON.stringify(world.status)).toBe(told)
    world.refusedPods.clear()
    world.settle()
    expect(condition(world, 'Degraded')?.status).toBe('False')
    expect(condition(world, 'Ready')?.status).toBe('True')
    expect(states()).toEqual(['Ready', 'Ready', 'Ready'])
  },
)

test('a drain may take a broker only while all are there and in sync', () => {
  const world = settled(oneEtcd, orders)
  const mayBeAway = (): unknown =>
    (world.objects.get('PodDisruptionBudget/demo-brokers')?.spec as { maxUnavailable?: number } | undefined)
      ?.maxUnavailable
  expect(mayBeAway()).toBe(1)
  world.deletePod('demo-brokers-2')
  world.step()
  world.reconcile()
  expect(mayBeAway()).toBe(0)
  world.settle()
  expect(mayBeAway()).toBe(1)
})

test('while it is paused nothing is done, and it says so', () => {
  const world = settled(oneEtcd)
  world.change({ ...oneEtcd, state: 'Paused', image: 'example/new:2' })
  world.deletePod('demo-brokers-1')
  world.reconcile()
  expect(world.history).toEqual(['status'])
  expect(condition(world, 'Paused')).toMatchObject({ status: 'True', observedGeneration: 2 })
  expect(condition(world, 'Ready')).toMatchObject({ status: 'True', observedGeneration: 1 })
  world.change({ ...oneEtcd, image: 'example/new:2' })
  world.settle()
  expect(condition(world, 'Paused')).toBeUndefined()
  expect(condition(world, 'Ready')?.status).toBe('True')
})

test('nothing is said to be as the spec says before the spec has reached the brokers', () => {
  const world = settled(oneEtcd, orders)
  for (const spec of [
    { ...oneEtcd, image: 'example/new:2' },
    { ...oneEtcd, logging: { level: 'debug' } },
  ]) {
    world.change(spec)
    world.reconcile()
    expect(condition(world, 'Ready')).toMatchObject({ status: 'False', reason: 'OnItsWay' })
    world.settle()
    expect(condition(world, 'Ready')?.status).toBe('True')
  }
})

test('what a Cluster does not ask for any more is removed, old settings once no pod has them', () => {
  const world = settled({ ...oneEtcd, listeners: [{ name: 'outside', port: 9094, type: 'ClusterIP' }] })
  expect([...world.objects.keys()].filter(key => key.startsWith('Service/demo-outside'))).toHaveLength(3)
  world.change({ ...oneEtcd, networkPolicy: { enabled: false } })
  world.settle()
  expect([...world.objects.keys()].filter(key => key.startsWith('Service/demo-outside'))).toEqual([])
  expect([...world.objects.keys()].filter(key => key.startsWith('NetworkPolicy/'))).toEqual([])
  expect([...world.objects.keys()].filter(key => key.startsWith('ConfigMap/demo-settings'))).toHaveLength(1)
})

test('killed after any of its writes, the operator ends where it would have ended', () => {
  const life = (killAfter: number): FakeWorld => {
    const world = new FakeWorld({ ...oneEtcd, brokers: { replicas: 4 } })
    const run = (): void => {
      for (;;) {
        try {
          world.settle()
          return
        } catch (error) {
          if (!(error instanceof Killed)) throw error
          world.killAfter = Number.POSITIVE_INFINITY
          world.restartOperator()
        }
      }
    }
    world.killAfter = killAfter
    run()
    world.topics.set('orders', [{ replicas: [3, 0, 1], inSync: [3, 0, 1] }])
    run()
    world.change({
      ...oneEtcd,
      brokers: { replicas: 3 },
      config: { 'queued.max.requests': '4', 'log.retention.ms': '5' },
    })
    run()
    return world
  }
  const undisturbed = life(Number.POSITIVE_INFINITY)
  expect(undisturbed.writes).toBeGreaterThan(30)
  for (let kill = 0; kill < undisturbed.writes; kill++) {
    const disturbed = life(kill)
    expect(disturbed.shape(), `killed after ${kill} writes`).toEqual(undisturbed.shape())
  }
})

const anySpec = fc.record({
  etcd: fc.constant({ managed: { replicas: 1 } }),
  brokers: fc.record({ replicas: fc.integer({ min: 3, max: 5 }) }),
  image: fc.constantFrom('example/one:1', 'example/two:2'),
  config: fc.dictionary(
    fc.constantFrom('queued.max.requests', 'log.retention.ms', 'log.segment.bytes', 'background.threads'),
    fc.constantFrom('1048576', '2097152'),
  ),
  logging: fc.record({ level: fc.constantFrom('info', 'debug') }),
  networkPolicy: fc.record({ enabled: fc.boolean() }),
  listeners: fc.constantFrom(
    [{ name: 'internal', port: 9092 }],
    [
      { name: 'internal', port: 9092 },
      { name: 'more', port: 9093, type: 'ClusterIP' },
    ],
  ),
})

test('whatever is asked for in between, the same spec ends in the same objects, with one broker away at most', () => {
  fc.assert(
    fc.property(anySpec, fc.array(anySpec, { minLength: 1, maxLength: 3 }), (first, others) => {
      const world = new FakeWorld(first)
      world.settle()
      world.topics.set('orders', [{ replicas: [0, 1, 2], inSync: [0, 1, 2] }])
      world.settle()
      const shape = world.shape()
      for (const spec of [...others, first]) {
        world.change(spec)
        world.settle(600, () => {
          const away = world.topics.get('orders')?.filter(({ inSync }) => inSync.length < 2) ?? []
          expect(away).toEqual([])
        })
        expect(condition(world, 'Ready')?.status).toBe('True')
      }
      expect(world.shape()).toEqual(shape)
    }),
    { numRuns: 15 },
  )
})
