import { describe, expect, test } from 'vitest'
import { bootstrapAddress, decideAddresses } from '../../../operator/reconcile/addresses.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { FakeWorld } from './fake-world.ts'
import { condition, oneEtcd, orders, restarts, settled } from './lives.ts'

function decide(
  listener: object,
  {
    services = {},
    before = {},
  }: { services?: Record<string, Partial<KubeObject>>; before?: Record<number, string> } = {},
) {
  const world = new FakeWorld({ listeners: [{ name: 'out', port: 9094, ...listener }] })
  const input = {
    context: world.context,
    brokers: [0, 1],
    services: new Map(
      Object.entries(services).map(([name, service]) => [
        name,
        { apiVersion: 'v1', kind: 'Service', metadata: { name }, ...service },
      ]),
    ),
    nodes: world.observe().nodes,
    before: new Map(Object.entries(before).map(([id, text]) => [Number(id), text])),
  }
  const { addresses, missing } = decideAddresses(input)
  const [only] = world.context.cluster.spec.listeners
  if (only === undefined) throw new Error('no listener')
  return {
    addresses: [...addresses.values()].map(byListener => byListener.get('out')),
    missing,
    bootstrap: bootstrapAddress(input, only),
  }
}

test('inside Kubernetes addresses follow from names', () => {
  expect(decide({})).toEqual({
    addresses: [0, 1].map(id => `demo-brokers-${id}.demo-brokers.team.svc.cluster.local:9094`),
    missing: [],
    bootstrap: 'demo-bootstrap.team.svc.cluster.local:9094',
  })
  expect(decide({ type: 'ClusterIP' }).addresses).toEqual(
    [0, 1].map(id => `demo-out-${id}.team.svc.cluster.local:9094`),
  )
})

test('through nodes they are a node and the port that its Service got, and stay with that node', () => {
  const port = (nodePort: number) => ({ spec: { ports: [{ nodePort }] } })
  const services = {
    'demo-out-0': port(30_000),
    'demo-out-1': port(30_001),
    'demo-out-bootstrap': port(30_009),
  }
  expect(decide({ type: 'NodePort' }, { services })).toEqual({
    addresses: ['10.0.0.97:30000', '10.0.0.98:30001'],
    missing: [],
    bootstrap: '10.0.0.97:30009',
  })
  const before = { 1: 'BROKERS://x:9091,OUT://10.0.0.99:30001' }
  expect(decide({ type: 'NodePort' }, { services, before }).addresses[1]).toBe('10.0.0.99:30001')
  const gone = { 1: 'OUT://10.9.9.9:30001' }
  expect(decide({ type: 'NodePort' }, { services, before: gone }).addresses[1]).toBe('10.0.0.98:30001')
})

test('what is not known yet is told, and templates fill it in', () => {
  expect(decide({ type: 'NodePort' }).missing[0]).toBe('Service demo-out-0 has no port on the nodes yet.')
  expect(decide({ type: 'LoadBalancer' }).missing[1]).toBe(
    'Service demo-out-1 has no address from a load balancer yet.',
  )
  const balancer = { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } }
  expect(decide({ type: 'LoadBalancer' }, { services: { 'demo-out-0': balancer } }).addresses).toEqual([
    '1.2.3.4:9094',
    undefined,
  ])
  const templates = {
    type: 'LoadBalancer',
    advertised: { hostTemplate: 'b{id}.example.com', portTemplate: '900{id}' },
  }
  expect(decide(templates).addresses).toEqual(['b0.example.com:9000', 'b1.example.com:9001'])
})

describe('a listener with addresses from outside', () => {
  const balanced = { name: 'balanced', port: 9095, type: 'LoadBalancer' }
  const listeners = [{ name: 'internal', port: 9092 }, balanced]
  const give = (world: FakeWorld, last: number): void => {
    for (const id of [0, 1, 2]) {
      const key = `Service/demo-balanced-${id}`
      const service = world.objects.get(key)
      if (service === undefined) throw new Error(`There is no ${key}.`)
      const status = { loadBalancer: { ingress: [{ ip: `10.0.${id}.${last}` }] } }
      world.objects.set(key, { ...service, status })
    }
  }
  const advertised = (world: FakeWorld): string[] =>
    Object.values(world.objects.get('ConfigMap/demo-brokers')?.data ?? {})
      .map(text => /^advertised\.listeners=(.*)$/m.exec(text)?.[1] ?? '')
      .sort()

  test('restarts each broker once, when it is known', () => {
    const world = settled(oneEtcd, orders)
    world.change({ ...oneEtcd, listeners })
    for (let second = 0; second < 60; second++) {
      world.reconcile()
      world.step()
      world.nowMs += 1000
    }
    expect(restarts(world)).toEqual([])
    expect(condition(world, 'Progressing')?.message).toContain(
      'Service demo-balanced-0 has no address from a load balancer yet.',
    )
    give(world, 1)
    world.settle()
    expect(restarts(world)).toEqual([1, 2, 0])
  })

  test('is not waited for for ever', () => {
    const world = settled(oneEtcd, orders)
    world.change({ ...oneEtcd, listeners })
    for (let second = 0; second < 300; second++) {
      world.reconcile()
      world.step()
      world.nowMs += 1000
    }
    expect(restarts(world)).toEqual([1, 2, 0])
    expect(condition(world, 'Ready')?.status).toBe('True')
  })

  test('leaves those that were not restarted yet what they can start with again', () => {
    const onDelete = { ...oneEtcd, rollout: { mode: 'OnDelete' } }
    const world = settled(onDelete, orders)
    const before = advertised(world)
    world.change({ ...onDelete, listeners })
    world.reconcile()
    give(world, 1)
    world.settle()
    expect(advertised(world)).toEqual(expect.arrayContaining(before))
    expect(advertised(world)).toHaveLength(6)
    for (const id of [0, 1, 2]) {
      world.deletePod(`demo-brokers-${id}`)
      world.settle()
    }
    expect(advertised(world)).toHaveLength(3)
  })

  test('is part of the plan that is approved', () => {
    const approve = { ...oneEtcd, rollout: { mode: 'Approve' }, listeners }
    const world = new FakeWorld(approve)
    world.reconcile()
    give(world, 1)
    world.settle()
    world.change({ ...approve, image: 'example/new:2' })
    world.settle()
    const before = world.status.plan?.hash
    give(world, 2)
    world.settle()
    expect(world.status.plan?.hash).not.toBe(before)
    expect(advertised(world)[0]).toContain('10.0.0.2:9095')
  })
})
