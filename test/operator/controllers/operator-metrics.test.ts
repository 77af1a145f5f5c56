import { expect, test } from 'vitest'
import { OperatorMetrics } from '../../../operator/controllers/operator-metrics.ts'

async function valuesOf(metrics: OperatorMetrics, name: string): Promise<readonly string[]> {
  const text = await metrics.registry.metrics()
  return text.split('\n').filter(line => line.startsWith(`${name}{`))
}

test('resources are counted by their standing, and those of no resource are 0', async () => {
  const metrics = new OperatorMetrics()
  metrics.setResources('Topic', ['ready', 'held', 'ready'])
  expect(await valuesOf(metrics, 'barnabas_operator_resources')).toEqual([
    'barnabas_operator_resources{kind="Topic",ready="true"} 2',
    'barnabas_operator_resources{kind="Topic",ready="false"} 0',
    'barnabas_operator_resources{kind="Topic",ready="held"} 1',
  ])
})

test('of a Cluster that is gone no pending restarts are told any more', async () => {
  const metrics = new OperatorMetrics()
  const demo = { namespace: 'team', name: 'demo', restarts: 3 }
  metrics.setPendingRestarts([demo, { ...demo, name: 'gone' }])
  metrics.setPendingRestarts([demo])
  expect(await valuesOf(metrics, 'barnabas_operator_pending_restarts')).toEqual([
    'barnabas_operator_pending_restarts{cluster_namespace="team",cluster="demo"} 3',
  ])
})

test('a reconciliation that fails is an error, and its worker is free again', async () => {
  const metrics = new OperatorMetrics()
  metrics.setWorkers('topic', 4)
  metrics.reconciling('topic')('error', 20)
  expect(await valuesOf(metrics, 'controller_runtime_reconcile_errors_total')).toEqual([
    'controller_runtime_reconcile_errors_total{controller="topic"} 1',
  ])
  expect(await valuesOf(metrics, 'controller_runtime_active_workers')).toEqual([
    'controller_runtime_active_workers{controller="topic"} 0',
  ])
})
