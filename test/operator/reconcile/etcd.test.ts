import { expect, test } from 'vitest'
import { FakeWorld } from './fake-world.ts'
import { settleKilled } from './lives.ts'

const ready = (world: FakeWorld): string | undefined =>
  world.status.conditions?.find(({ type }) => type === 'Ready')?.status
const etcdMessage = (world: FakeWorld): string | undefined =>
  world.status.conditions?.find(({ type }) => type === 'EtcdAvailable')?.message
const readyMembers = (world: FakeWorld): number =>
  world
    .pods('etcd')
    .filter(pod =>
      (pod.status as { conditions?: readonly { type: string; status: string }[] }).conditions?.some(
        ({ type, status }) => type === 'Ready' && status === 'True',
      ),
    ).length
const admitted = (world: FakeWorld): string =>
  world.objects.get('ConfigMap/demo-etcd')?.data?.['members'] ?? ''

function settled(spec: object = {}): FakeWorld {
  const world = new FakeWorld(spec)
  world.settle()
  world.history.length = 0
  return world
}

test('members that have no data may start only while none has any', () => {
  const world = new FakeWorld({})
  world.reconcile()
  expect(world.objects.get('ConfigMap/demo-etcd')?.data?.['state']).toBe('new')
  expect(admitted(world)).toMatch(/^demo-etcd-0=http.*,demo-etcd-1=http.*,demo-etcd-2=http/)
  world.settle()
  expect(world.objects.get('ConfigMap/demo-etcd')?.data?.['state']).toBe('existing')
  expect(admitted(world)).not.toContain('demo-etcd-')
})

test('a member whose volume is lost is taken out of the list, joins as a new one, and nobody else does', () => {
  const world = settled()
  const lost = world.etcd.members.find(({ name }) => name === 'demo-etcd-1')
  world.loseVolume('demo-etcd-1')
  const states = new Set<string>()
  world.settle(300, () => states.add(admitted(world).replaceAll(/=[^,]*/g, '')))
  expect(world.history).toContain(
    'replace etcd member at http://demo-etcd-1.demo-etcd.team.svc.cluster.local:2380',
  )
  expect([...states]).toEqual(['nobody', 'there-already-0,demo-etcd-1,there-already-2'])
  expect(admitted(world)).toMatch(/^nobody=/)
  expect(world.etcd.members.map(({ name }) => name).sort()).toEqual([
    'demo-etcd-0',
    'demo-etcd-1',
    'demo-etcd-2',
  ])
  expect(world.etcd.members.some(({ id }) => id === lost?.id)).toBe(false)
  expect(ready(world)).toBe('True')
})

test('a member that has joined anew and does not serve yet is not replaced again', () => {
  const world = settled()
  world.etcd.slow.add('demo-etcd-1')
  world.loseVolume('demo-etcd-1')
  for (let turn = 0; turn < 20; turn++) {
    world.step()
    world.reconcile()
  }
  expect(world.history.filter(line => line.startsWith('replace etcd member'))).toHaveLength(1)
  expect(world.etcd.members.map(({ name }) => name)).toContain('demo-etcd-1')
  world.etcd.slow.clear()
  world.settle()
  expect(ready(world)).toBe('True')
})

test('a member that is away with its volume there is waited for', () => {
  const world = settled()
  const members = world.etcd.members
  world.deletePod('demo-etcd-1')
  world.settle()
  expect(world.etcd.members).toEqual(members)
})

test('killed after any write of replacing a member, the operator ends where it would have ended', () => {
  const life = (killAfter: number): FakeWorld => {
    const world = settled()
    world.loseVolume('demo-etcd-2')
    settleKilled(world, killAfter)
    return world
  }
  const undisturbed = life(Number.POSITIVE_INFINITY)
  expect(undisturbed.history.length).toBeGreaterThan(5)
  for (let kill = 0; kill < undisturbed.history.length; kill++) {
    const disturbed = life(kill)
    expect(ready(disturbed), `killed after ${kill} writes`).toBe('True')
    expect(disturbed.shape(), `killed after ${kill} writes`).toEqual(undisturbed.shape())
  }
})

test('a member that was taken out and not put in again is put in', () => {
  const world = settled()
  const lost = world.etcd.members.find(({ name }) => name === 'demo-etcd-0')
  world.loseVolume('demo-etcd-0')
  world.etcd.remove(lost?.id ?? '')
  world.step()
  world.step()
  world.settle()
  expect(world.etcd.members).toHaveLength(3)
  expect(ready(world)).toBe('True')
})

test('when most members have lost their volumes it says so, and nothing is done to make a new etcd of them', () => {
  const world = settled()
  const members = world.etcd.members
  world.loseVolume('demo-etcd-0')
  world.loseVolume('demo-etcd-2')
  world.settle()
  expect(etcdMessage(world)).toBe(
    'Members 0, 2 of etcd have lost their volumes, and those that are left are too few to go on; the cluster cannot be brought back from here.',
  )
  expect(world.etcd.members).toEqual(members)
  expect(ready(world)).toBe('False')
})

test('the only member without its volume does not begin anew as if nothing had been', () => {
  const world = settled({ etcd: { managed: { replicas: 1 } } })
  world.loseVolume('demo-etcd-0')
  world.settle()
  expect(etcdMessage(world)).toContain('The only member of etcd has lost its volume')
  expect(ready(world)).toBe('False')
})

test('two of five that are lost are replaced one after the other', () => {
  const world = settled({ etcd: { managed: { replicas: 5 } } })
  world.loseVolume('demo-etcd-1')
  world.loseVolume('demo-etcd-3')
  world.settle()
  expect(world.etcd.members.map(({ name }) => name).sort()).toEqual(
    [0, 1, 2, 3, 4].map(at => `demo-etcd-${at}`),
  )
  expect(ready(world)).toBe('True')
})

test('a new image goes over the members one by one, and a pod that is not there yet counts as away', () => {
  const world = settled()
  world.change({ etcd: { managed: { replicas: 3, image: 'example/etcd:new' } } })
  world.reconcile()
  world.step()
  world.reconcile()
  const deleted = (): string[] => world.history.filter(line => line.startsWith('delete Pod/'))
  expect(deleted()).toEqual(['delete Pod/demo-etcd-0'])
  world.reconcile()
  expect(deleted()).toEqual(['delete Pod/demo-etcd-0'])
  let fewest = 3
  world.settle(300, () => {
    fewest = Math.min(fewest, readyMembers(world))
  })
  expect(deleted()).toHaveLength(3)
  expect(fewest).toBe(2)
  expect(ready(world)).toBe('True')
})
