/** Nodes that are drained and pods that are evicted, under load: volumes are of nodes, so a broker waits for its node. */
import { expect, test } from 'vitest'
import { waitUntil } from '../../targets/processes.ts'
import { expectNothingLost, underLoad } from '../checked-load.ts'
import { cluster, endsQuietly, useOperator } from '../operated-cluster.ts'

const operated = useOperator('drained')
const drainArgs = ['--ignore-daemonsets', '--delete-emptydir-data']

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
    readonly spec: { readonly nodeName?: string }
    readonly status: {
      readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    }
  }[]
}

/** Names of brokers' pods that are ready, with their nodes. */
async function readyBrokers(): Promise<ReadonlyMap<string, string>> {
  const selector = ['-l', 'app.kubernetes.io/component=broker']
  const { items } = await operated.kubernetes.get<Pods>(['-n', operated.namespace, 'pods', ...selector])
  const ready = items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  )
  return new Map(ready.map(({ metadata, spec }) => [metadata.name, spec.nodeName ?? '']))
}

function uncordon(node: string): Promise<string> {
  return operated.kubernetes.kubectl(['uncordon', node])
}

test('three brokers and three members of etcd become ready, each on a node of its own', async () => {
  await operated.apply(cluster().replace('replicas: 1', 'replicas: 3'))
  await operated.until('bnc/kafka', 'Ready', 'True')
  expect(new Set((await readyBrokers()).values()).size).toBe(3)
})

test('a node is drained; a second drain waits until what the first took away is back', async () => {
  const outcome = await underLoad(operated, 'drained', async load => {
    const [first = '', second = ''] = operated.kubernetes.nodes
    await operated.kubernetes.kubectl(['drain', first, ...drainArgs, '--timeout=120s'])
    // Its volume is there and nowhere else.
    await operated.until('bnc/kafka', 'Degraded', 'True', 'BrokerFailed')
    const told = await operated.kubectl(
      'get',
      'bnc',
      'kafka',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].message}',
    )
    expect(told).toMatch(/^Broker \d does not come up: it fits on no node: .*unschedulable/)
    await load.advances()

    const draining = await operated.kubernetes.startKubectl(['drain', second, ...drainArgs, '--timeout=170s'])
    await waitUntil(
      'the second drain is refused',
      () => /violate the pod's disruption budget/.test(draining.output) || undefined,
    )
    expect([...(await readyBrokers()).values()]).toContain(second)
    await load.advances()

    await uncordon(first)
    expect(await draining.ended, draining.output).toBe(0)
    expect([...(await readyBrokers()).values()].sort()).toEqual(
      operated.kubernetes.nodes.filter(node => node !== second).sort(),
    )
    await uncordon(second)
    await operated.until('bnc/kafka', 'Ready', 'True')
    await operated.until('bnc/kafka', 'Degraded', 'False')
  })
  expectNothingLost(outcome, { leastInSync: 2 })
})

test('of two brokers that are evicted at once one is refused', async () => {
  const outcome = await underLoad(operated, 'evicted', async () => {
    const before = await operated.podUids()
    const evict = (pod: string): Promise<number> =>
      operated.kubernetes
        .tryKubectl(
          ['create', '--raw', `/api/v1/namespaces/${operated.namespace}/pods/${pod}/eviction`, '-f', '-'],
          {
            input: JSON.stringify({
              apiVersion: 'policy/v1',
              kind: 'Eviction',
              metadata: { name: pod, namespace: operated.namespace },
            }),
          },
        )
        .then(({ exit, stderr }) => {
          if (exit !== 0) expect(stderr).toContain('disruption budget')
          return exit
        })
    const exits = await Promise.all([evict('kafka-brokers-0'), evict('kafka-brokers-1')])
    expect(exits.filter(exit => exit === 0)).toHaveLength(1)
    const evicted = exits[0] === 0 ? 0 : 1
    await operated.replaced(`kafka-brokers-${evicted}`, before[evicted] ?? '')
    await operated.until('bnc/kafka', 'Ready', 'True')
    const after = await operated.podUids()
    expect(after.filter(uid => before.includes(uid))).toHaveLength(2)
  })
  expectNothingLost(outcome, { leastInSync: 2 })
})

endsQuietly(operated)
