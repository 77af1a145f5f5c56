import { hostname } from 'node:os'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTopic, metadataOf } from '../support/requests.ts'
import { controlTool } from '../support/control-tool.ts'
import { Etcd } from '../support/etcd.ts'
import { RunningBroker } from '../support/running-broker.ts'
import { until } from '../support/until.ts'

let etcd: Etcd
let brokers: Map<number, RunningBroker>
let clusters = 0

beforeAll(async () => {
  etcd = await Etcd.start()
})

afterAll(() => etcd.remove())

beforeEach(async () => {
  brokers = new Map()
  clusters++
  for (const id of [1, 2]) {
    const broker = await RunningBroker.start({
      settings: {
        'node.id': String(id),
        'cluster.id': `cluster-${clusters}`,
        'etcd.connect': etcd.endpoints.join(','),
        'control.listeners': id === 1 ? 'http://127.0.0.1:0' : 'http://:0',
      },
    })
    brokers.set(id, broker)
  }
})

afterEach(async () => {
  for (const broker of brokers.values()) await broker.remove()
})

type Status = { readonly isController: boolean; readonly controller: { readonly brokerId: number } | null }

async function statusOf(id: number): Promise<Status> {
  return (await controlTool(brokers.get(id)!.broker.controlPort)('BrokerStatus', {})) as unknown as Status
}

test('brokers tell where their control service answers, with the port and the name that it has', () => {
  const addresses = [...brokers.values()].map(({ broker }) => broker.controlAddress)
  expect(addresses[0]).toEqual({ host: '127.0.0.1', port: brokers.get(1)!.broker.controlPort, tls: false })
  expect(addresses[1]).toEqual({ host: hostname(), port: brokers.get(2)!.broker.controlPort, tls: false })
})

test('a grant outlives the controller that gave it', async () => {
  const tool = controlTool(brokers.get(2)!.broker.controlPort)
  expect(await statusOf(1)).toMatchObject({ isController: true })
  const request = { brokerId: 1, durationMs: 60_000, holder: 'operator', reason: 'a new image' }
  const { requestRestart } = await tool('RequestRestart', { requestRestart: request })
  expect(requestRestart).toMatchObject({ safe: true })

  await brokers.get(1)!.stop()
  await until(async () => (await statusOf(2)).isController, 'the other broker is the controller')
  const { canRestart } = await tool('CanRestart', { canRestart: { brokerId: 2 } })
  expect(canRestart).toMatchObject({ safe: false, reasons: [{ kind: 'GrantHeld' }] })

  // It comes back as another process, in sync for everything: that ends the grant.
  brokers.set(1, await brokers.get(1)!.restart())
  await until(async () => {
    const answer = await tool('CanRestart', { canRestart: { brokerId: 2 } })
    return (answer['canRestart'] as { safe: boolean }).safe
  }, 'the grant has ended')
})

test('a broker that was restarted under a grant leads again what it led, before anybody else may restart', async () => {
  const client = await brokers.get(1)!.connect()
  await createTopic(client, 'orders', { partitions: 6, replicationFactor: 2 })
  const leaders = async (): Promise<number[]> => {
    const { topics } = await metadataOf(client, ['orders'])
    return topics[0]?.partitions.map(({ leaderId }) => leaderId) ?? []
  }
  const before = await leaders()
  expect(new Set(before)).toEqual(new Set([1, 2]))

  const tool = controlTool(brokers.get(1)!.broker.controlPort)
  const request = { brokerId: 2, durationMs: 60_000, holder: 'operator', reason: 'a new image' }
  await tool('RequestRestart', { requestRestart: request })
  await brokers.get(2)!.stop()
  expect(new Set(await leaders())).toEqual(new Set([1]))
  brokers.set(2, await brokers.get(2)!.restart())
  await until(async () => {
    const answer = await tool('CanRestart', { canRestart: { brokerId: 1 } })
    return (answer['canRestart'] as { safe: boolean }).safe
  }, 'the grant has ended')
  expect(await leaders()).toEqual(before)
})

test('a topic that one broker forwarded is there for the other', async () => {
  const [first, second] = await Promise.all([...brokers.values()].map(broker => broker.connect()))
  expect(await createTopic(second!, 'orders', { partitions: 2, replicationFactor: 2 })).toMatchObject({
    error: 'NONE',
  })
  await until(async () => {
    const { topics } = await metadataOf(first!, ['orders'])
    return topics[0]?.partitions.length === 2
  }, 'the topic is there')
})
