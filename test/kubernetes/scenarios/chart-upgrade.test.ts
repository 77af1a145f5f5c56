/**
 * The chart under a running Cluster and its clients, by both lines of Helm: upgraded from what it first was, rolled back,
 * uninstalled, back again.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmVersions } from '../../charts/render.ts'
import { useLoad } from '../checked-load.ts'
import { useKubernetes } from '../fixture.ts'
import { cluster, numbered, OperatedCluster, topic } from '../operated-cluster.ts'
import { firstChart, installChart, operatorNamespace, release, uninstallChart } from '../operator-chart.ts'

const fixture = useKubernetes('upgrade')
const operated = new OperatedCluster(fixture)
const { kubernetes } = fixture

describe.each(helmVersions)('by helm %s', helm => {
  const install = async (values: Readonly<Record<string, unknown>> = {}, chart?: string): Promise<void> => {
    const all = { 'watch.namespaces': [fixture.namespace], ...values }
    await installChart(kubernetes, helm, fixture.image, all, chart)
    await operated.operatorReady()
  }
  /** Of the operator that runs now. */
  const settled = async (): Promise<void> => {
    await operated.looked()
    await operated.until('bnc/kafka', 'Ready', 'True')
    await operated.until('bnt/orders', 'Ready', 'True')
  }
  let uids: readonly string[] = []

  beforeAll(async () => {
    const definitions = ['crd', 'clusters.barnabas.dev', 'topics.barnabas.dev']
    await kubernetes.kubectl(['delete', ...definitions, '--ignore-not-found'])
  })

  afterAll(async () => {
    await operated.kubectl('delete', 'bnc,bnt', '--all', '--wait=false')
    await uninstallChart(kubernetes, helm)
    await operated.kubectl('wait', 'pod', '--for=delete', '--all', '--timeout=90s')
    await operated.kubectl('delete', 'pvc', '--all')
  })

  // After the hook above, so that clients end before their brokers go.
  const load = useLoad(operated, 'checked')

  test('the chart as it first was is upgraded under brokers that go on as they are', async () => {
    await install({}, firstChart)
    await operated.apply(cluster(), topic('orders', 'partitions: 3, replicationFactor: 3'))
    await operated.until('bnc/kafka', 'Ready', 'True')
    await operated.until('bnt/orders', 'Ready', 'True')
    await load.start()
    await operated.produce('orders', numbered(0, 100))
    uids = await operated.podUids()
    expect(await definitionsUpToDate()).toBe(false)

    await install({ logLevel: 'debug' })
    expect(await definitionsUpToDate()).toBe(true)
    await settled()
    expect(await operated.podUids()).toEqual(uids)
    await load.advances()
    expect(await operated.consume('orders')).toEqual(numbered(0, 100))
  })

  test('and rolled back, and upgraded again', async () => {
    await kubernetes.helm(helm, ['rollback', release, '1', '--namespace', operatorNamespace])
    await operated.operatorReady()
    expect(await definitionsUpToDate()).toBe(false)
    await settled()
    await install()
    expect(await definitionsUpToDate()).toBe(true)
    await settled()
    expect(await operated.podUids()).toEqual(uids)
    await load.advances()
  })

  test('brokers go on without it, and are looked after when it is back', async () => {
    await uninstallChart(kubernetes, helm)
    await operated.produce('orders', numbered(100, 100))
    expect(await operated.consume('orders')).toEqual(numbered(0, 200))
    await operated.kubectl('delete', 'pod', 'kafka-brokers-1')
    await operated.replaced('kafka-brokers-1', uids[1] ?? '')
    await install()
    await settled()
    const after = await operated.podUids()
    expect([after[0], after[2]]).toEqual([uids[0], uids[2]])
    expect(await operated.consume('orders')).toEqual(numbered(0, 200))
    await load.endsWithNothingLost({ leastInSync: 2 })
    await operated.staysQuiet()
  })
})

/** As the operator found them when it started. */
async function definitionsUpToDate(): Promise<boolean> {
  const metrics = await operated.operatorMetrics()
  const values = [...metrics.matchAll(/^barnabas_operator_definition_up_to_date\{.*\} (\d)$/gm)]
  expect(values).toHaveLength(2)
  return values.every(([, value]) => value === '1')
}
