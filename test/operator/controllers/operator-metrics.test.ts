import { expect, test } from 'vitest'
import { OperatorMetrics } from '../../../operator/controllers/operator-metrics.ts'

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

test('brokers to restart are told of the Clusters that there are', async () => {
  const metrics = new OperatorMetrics()
  metrics.setBrokers([
    { key: 'team/demo', toRestart: 2, upToDate: 1 },
    { key: 'team/gone', toRestart: 0, upToDate: 3 },
  ])
  metrics.setBrokers([{ key: 'team/demo', toRestart: 0, upToDate: 3 }])
  const text = await metrics.registry.metrics()
  expect(text.split('\n').filter(line => line.startsWith('barnabas_operator_brokers{'))).toEqual([
    'barnabas_operator_brokers{cluster_namespace="team",cluster="demo",state="to_restart"} 0',
    'barnabas_operator_brokers{cluster_namespace="team",cluster="demo",state="up_to_date"} 3',
  ])
})
