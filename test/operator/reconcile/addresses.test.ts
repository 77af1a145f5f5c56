import { expect, test } from 'vitest'
import { bootstrapAddress, decideAddresses } from '../../../operator/reconcile/addresses.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { FakeWorld } from './fake-world.ts'

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
