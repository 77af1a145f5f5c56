import { expect, test } from 'vitest'
import { FakeWorld } from './fake-world.ts'
import { settleKilled } from './lives.ts'

const sized = (replicas: number): object => ({ etcd: { managed: { replicas } } })
const ready = (world: FakeWorld): string | undefined =>
  world.status.conditions?.find(({ type }) => type === 'Ready')?.status
const listed = (world: FakeWorld): string[] =>
  world.etcd.members.map(({ name, isLearner }) => (isLearner ? `${name} (learner)` : name)).sort()
const named = (count: number): string[] => Array.from({ length: count }, (_, at) => `demo-etcd-${at}`)
const specOf = (
  world: FakeWorld,
  key: string,
): { readonly replicas?: number; readonly maxUnavailable?: number } => world.objects.get(key)?.spec ?? {}
const mayBeAway = (world: FakeWorld): number | undefined =>
  specOf(world, 'PodDisruptionBudget/demo-etcd').maxUnavailable
const claims = (world: FakeWorld): string[] =>
  [...world.objects.keys()].filter(key => key.startsWith('PersistentVolumeClaim/data-demo-etcd-')).sort()

function settled(replicas: number): FakeWorld {
  const world = new FakeWorld(sized(replicas))
  world.settle()
  world.history.length = 0
  return world
}

test.each([
  [1, 3],
  [1, 5],
  [3, 5],
  [5, 3],
  [5, 1],
  [3, 1],
])('from %i to %i members: one at a time, never without a quorum, and no broker restarts', (from, to) => {
  const world = settled(from)
  const brokers = world.pods('brokers').map(({ metadata }) => metadata.uid)
  world.change(sized(to))
  let before = listed(world).length
  world.settle(300, () => {
    const now = listed(world)
    expect(Math.abs(now.length - before)).toBeLessThan(2)
    expect(now.filter(name => name.endsWith('(learner)')).length).toBeLessThan(2)
    expect(world.etcd.hasQuorum).toBe(true)
    before = now.length
  })
  expect(listed(world)).toEqual(named(to))
  expect(world.pods('etcd')).toHaveLength(to)
  expect(claims(world)).toHaveLength(to)
  expect(ready(world)).toBe('True')
  expect(world.status.etcd?.endpoints).toHaveLength(to)
  expect(world.pods('brokers').map(({ metadata }) => metadata.uid)).toEqual(brokers)
})

test.each([
  [1, 3],
  [3, 1],
])('killed after any write from %i to %i, the operator ends where it would have ended', (from, to) => {
  const life = (killAfter: number): FakeWorld => {
    const world = settled(from)
    world.change(sized(to))
    settleKilled(world, killAfter)
    return world
  }
  const undisturbed = life(Number.POSITIVE_INFINITY)
  expect(undisturbed.history.length).toBeGreaterThan(8)
  for (let kill = 0; kill < undisturbed.history.length; kill++) {
    const disturbed = life(kill)
    expect(listed(disturbed), `killed after ${kill} writes`).toEqual(named(to))
    expect(disturbed.shape(), `killed after ${kill} writes`).toEqual(undisturbed.shape())
  }
})

test('Ready is not said of the new number before all of them have a vote', () => {
  const world = settled(1)
  world.change(sized(3))
  world.settle(300, () => {
    if (listed(world).join() !== named(3).join()) expect(ready(world)).toBe('False')
  })
})

test('of two members none may be evicted', () => {
  const world = settled(1)
  world.unschedulable.add('demo-etcd-2')
  world.change(sized(3))
  world.settle()
  expect(listed(world)).toEqual([' (learner)', 'demo-etcd-0', 'demo-etcd-1'])
  expect(mayBeAway(world)).toBe(0)
  world.unschedulable.clear()
  world.settle()
  expect(mayBeAway(world)).toBe(1)
})

test('a member that has not caught up has no vote, and no other one comes', () => {
  const world = settled(1)
  world.etcd.slow.add('demo-etcd-1')
  world.change(sized(3))
  world.settle()
  expect(listed(world)).toEqual(['demo-etcd-0', 'demo-etcd-1 (learner)'])
  expect(world.status.etcd?.members).toEqual([
    { pod: 'demo-etcd-0', state: 'Ready' },
    { pod: 'demo-etcd-1', state: 'Joining' },
  ])
})

test('a new member that loses its volume before it has a vote joins anew', () => {
  const world = settled(1)
  world.etcd.slow.add('demo-etcd-1')
  world.change(sized(3))
  world.settle()
  world.loseVolume('demo-etcd-1')
  world.settle()
  expect(listed(world)).toEqual(['demo-etcd-0', 'demo-etcd-1 (learner)'])
  world.etcd.slow.clear()
  world.settle()
  expect(listed(world)).toEqual(named(3))
})

test('a new image goes over the members when none comes or goes any more', () => {
  const world = settled(1)
  world.change({ etcd: { managed: { replicas: 3, image: 'example/etcd:new' } } })
  world.settle()
  const at = (what: RegExp): number[] =>
    world.history.flatMap((line, index) => (what.test(line) ? [index] : []))
  expect(at(/^delete Pod\//)).toHaveLength(1)
  expect(Math.min(...at(/^delete Pod\//))).toBeGreaterThan(Math.max(...at(/^promote etcd member/)))
  expect(listed(world)).toEqual(named(3))
})

test('a new member that does not come up is started anew from a better template', () => {
  const world = settled(1)
  world.unschedulable.add('demo-etcd-1')
  world.change(sized(3))
  world.settle()
  const before = world.objects.get('Pod/demo-etcd-1')?.metadata.uid
  world.change({ etcd: { managed: { replicas: 3, image: 'example/etcd:better' } } })
  world.settle()
  expect(world.objects.get('Pod/demo-etcd-1')?.metadata.uid).not.toBe(before)
  world.unschedulable.clear()
  world.settle()
  expect(listed(world)).toEqual(named(3))
})

test('another number while it forms, or while it grows, is come to in the end', () => {
  const world = new FakeWorld(sized(1))
  world.reconcile()
  world.change(sized(5))
  world.reconcile()
  world.step()
  world.change(sized(3))
  world.settle()
  expect(listed(world)).toEqual(named(3))
  expect(ready(world)).toBe('True')
})

test('a Cluster made anew begins with the members that left volumes', () => {
  const world = settled(3)
  for (const key of world.objects.keys()) {
    if (!key.startsWith('PersistentVolumeClaim/')) world.objects.delete(key)
  }
  for (const name of named(3)) world.etcd.stop(name)
  world.change(sized(5))
  world.reconcile()
  expect(specOf(world, 'StatefulSet/demo-etcd').replicas).toBe(3)
  world.settle()
  expect(listed(world)).toEqual(named(5))
})

test('who writes another number into the StatefulSet changes nothing', () => {
  const world = settled(3)
  const statefulSet = world.objects.get('StatefulSet/demo-etcd')
  if (statefulSet === undefined) throw new Error('There is no StatefulSet.')
  for (const replicas of [1, 5]) {
    const spec = { ...(statefulSet.spec as object), replicas }
    world.objects.set('StatefulSet/demo-etcd', { ...statefulSet, spec })
    world.step()
    world.settle()
    expect(listed(world)).toEqual(named(3))
    expect(claims(world)).toHaveLength(3)
  }
})
