/** An operator that was installed anew in another namespace, which the policies that it finds do not let in. */
import { expect, test } from 'vitest'
import { reconcileCluster } from '../../../operator/reconcile/reconcile-cluster.ts'
import { outdatedWaysIn } from '../../../operator/reconcile/ways-in.ts'
import { FakeWorld } from './fake-world.ts'
import { wordsOf } from './words-of-actions.ts'

const spec = { etcd: { managed: { replicas: 1 } } }
const away = { kind: 'unreachable', reason: 'Nobody answers.' } as const

function movedTo(namespace: string): FakeWorld {
  const world = new FakeWorld(spec)
  world.settle()
  world.operatorNamespace = namespace
  return world
}

function waysIn(world: FakeWorld): readonly string[] {
  return outdatedWaysIn(world.context, world.observe().children).map(wordsOf)
}

test('writes the policies first, and nothing else, while neither brokers nor etcd answer', () => {
  const world = movedTo('elsewhere')
  const observed = { ...world.observe(), kafka: away, etcd: away, statuses: new Map() }
  const { actions } = reconcileCluster(world.context, observed)
  expect(actions.map(wordsOf)).toEqual([
    'apply NetworkPolicy/demo-brokers',
    'apply NetworkPolicy/demo-etcd',
    'apply PodDisruptionBudget/demo-brokers',
  ])
  for (const action of actions.slice(0, 2)) {
    expect(JSON.stringify(action)).toContain('"kubernetes.io/metadata.name":"elsewhere"')
    expect(JSON.stringify(action)).not.toContain('"kubernetes.io/metadata.name":"operators"')
  }
})

test('they can be told before anybody is asked, and are then as they should be', () => {
  const world = movedTo('elsewhere')
  expect(waysIn(world)).toEqual(['apply NetworkPolicy/demo-brokers', 'apply NetworkPolicy/demo-etcd'])
  world.reconcile()
  expect(waysIn(world)).toEqual([])
})

test('no pod is touched by it', () => {
  const world = movedTo('elsewhere')
  const before = [...world.pods('brokers'), ...world.pods('etcd')].map(({ metadata }) => metadata.uid)
  world.settle()
  expect([...world.pods('brokers'), ...world.pods('etcd')].map(({ metadata }) => metadata.uid)).toEqual(
    before,
  )
})

test.each([
  ['is not there yet', new FakeWorld(spec), spec],
  ['wants none', movedTo('elsewhere'), { ...spec, networkPolicy: { enabled: false } }],
  ['is paused', movedTo('elsewhere'), { ...spec, state: 'Paused' }],
])('nothing is written for a Cluster that %s', (_, world, next) => {
  world.change(next)
  expect(waysIn(world)).toEqual([])
})
