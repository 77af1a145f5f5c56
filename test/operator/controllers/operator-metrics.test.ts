import { expect, test } from 'vitest'
import { OperatorMetrics } from '../../../operator/controllers/operator-metrics.ts'

async function valuesOf(metrics: OperatorMetrics, name: string): Promise<readonly string[]> {
  const text = await metrics.registry.metrics()
  return text.split('\n').filter(line => line.startsWith(`${name}{`))
}

test('counters of a Cluster begin at 0, count by reason, and go with it', async () => {
  const metrics = new OperatorMetrics()
  const lines = async (): Promise<readonly string[]> => {
    const text = await metrics.registry.metrics()
    return text.split('\n').filter(line => line.includes('cluster="demo"'))
  }
  metrics.beginCluster('team/demo')
  const labels = 'cluster_namespace="team",cluster="demo"'
  const refusals = (reason: string): string =>
    `barnabas_operator_restart_refusals_total{${labels},reason="${reason}"}`
  expect(await lines()).toContain(`barnabas_operator_broker_restarts_total{${labels}} 0`)
  expect(await lines()).toContain(`${refusals('UnderMinIsr')} 0`)
  metrics.countRestart('team/demo')
  metrics.countRefusal('team/demo', ['BrokerCatchingUp', 'BrokerCatchingUp', 'UnderMinIsr'])
  expect(await lines()).toContain(`barnabas_operator_broker_restarts_total{${labels}} 1`)
  expect(await lines()).toContain(`${refusals('BrokerCatchingUp')} 1`)
  expect(await lines()).toContain(`${refusals('UnderMinIsr')} 1`)
  expect(await lines()).toContain(`${refusals('GrantHeld')} 0`)
  metrics.forgetCluster('team/demo')
  expect(await lines()).toEqual([])
})

test('figures are told of the Clusters that there are', async () => {
  const metrics = new OperatorMetrics()
  const demo = { key: 'team/demo', pendingRestarts: 1, toRestart: 2, upToDate: 1 }
  metrics.setClusters([demo, { ...demo, key: 'team/gone' }])
  metrics.setClusters([{ ...demo, pendingRestarts: 3 }])
  expect(await valuesOf(metrics, 'barnabas_operator_brokers')).toEqual([
    'barnabas_operator_brokers{cluster_namespace="team",cluster="demo",state="to_restart"} 2',
    'barnabas_operator_brokers{cluster_namespace="team",cluster="demo",state="up_to_date"} 1',
  ])
  expect(await valuesOf(metrics, 'barnabas_operator_pending_restarts')).toEqual([
    'barnabas_operator_pending_restarts{cluster_namespace="team",cluster="demo"} 3',
  ])
})

test('resources are counted by their standing, and those of no resource are 0', async () => {
  const metrics = new OperatorMetrics()
  metrics.setResources('Topic', ['ready', 'held', 'ready'])
  expect(await valuesOf(metrics, 'barnabas_operator_resources')).toEqual([
    'barnabas_operator_resources{kind="Topic",ready="true"} 2',
    'barnabas_operator_resources{kind="Topic",ready="false"} 0',
    'barnabas_operator_resources{kind="Topic",ready="held"} 1',
  ])
})

test('a reconciliation that fails is an error, and its worker is free again', async () => {
  const metrics = new OperatorMetrics()
  metrics.setWorkers('topic', 4)
  metrics.reconciling('topic')('error', 20, 0)
  expect(await valuesOf(metrics, 'controller_runtime_reconcile_errors_total')).toEqual([
    'controller_runtime_reconcile_errors_total{controller="topic"} 1',
  ])
  expect(await valuesOf(metrics, 'controller_runtime_active_workers')).toEqual([
    'controller_runtime_active_workers{controller="topic"} 0',
  ])
})
