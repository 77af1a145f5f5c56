/** The operator itself: whether it keeps up, what it fails at, and what it is not content with. */
import { type Board, graph, query, stat } from './board.ts'

/** The scope that alerts have too: other operators export the same names. */
const scope = 'operator="barnabas",namespace="$namespace"'
const rate = (metric: string): string => `rate(${metric}{${scope}}[$__rate_interval])`
const byCluster = '(cluster_namespace, cluster)'
const named = '{{cluster_namespace}}/{{cluster}}'

export const operatorBoard: Board = {
  name: 'barnabas-operator',
  title: 'Barnabas / Operator',
  sentence: 'Reconciliations, queues, resources that are not ready, and requests to the API server.',
  scope,
  variables: [
    {
      name: 'namespace',
      label: 'Namespace',
      metric: 'leader_election_master_status{operator="barnabas"}',
      from: 'namespace',
      many: false,
    },
  ],
  rows: [
    {
      title: 'Resources',
      panels: [
        stat(
          'Working operators',
          'Must be 1; others stand by.',
          `sum(leader_election_master_status{${scope}})`,
          {
            bad: { otherThan: 1 },
          },
        ),
        stat(
          'Clusters not ready',
          'kubectl get clusters.barnabas.dev -A says why.',
          `sum(barnabas_operator_resources{${scope},kind="Cluster",ready="false"})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Topics not ready',
          'kubectl get topics.barnabas.dev -A says why.',
          `sum(barnabas_operator_resources{${scope},kind="Topic",ready="false"})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Definitions out of date',
          'CustomResourceDefinitions that are not those this operator was made for.',
          `sum(1 - barnabas_operator_definition_up_to_date{${scope}})`,
          { bad: { from: 1 } },
        ),
        graph('Resources', 'By kind and whether they are ready.', 'short', [
          query(`sum by (kind, ready) (barnabas_operator_resources{${scope}})`, '{{kind}} ready: {{ready}}'),
        ]),
      ],
    },
    {
      title: 'Restarts of brokers',
      panels: [
        graph(
          'Brokers to restart',
          'Goes down to 0 while a roll makes its way; kubectl describe of the Cluster says why it waits.',
          'short',
          [query(`max by ${byCluster} (barnabas_operator_brokers{${scope},state="to_restart"})`, named)],
        ),
        graph('Roll progress', 'Share of brokers that run as the Cluster says.', 'percentunit', [
          query(
            `max by ${byCluster} (barnabas_operator_brokers{${scope},state="up_to_date"})` +
              ` / sum by ${byCluster} (max by (cluster_namespace, cluster, state) (barnabas_operator_brokers{${scope}}))`,
            named,
          ),
        ]),
        graph('Restarts', 'Brokers restarted in the last hour.', 'short', [
          query(
            `sum by ${byCluster} (increase(barnabas_operator_broker_restarts_total{${scope}}[1h]))`,
            named,
          ),
        ]),
        graph(
          'Refused restarts',
          'Asked for again every few seconds. BrokerCatchingUp and BrokerStarting are part of every roll.',
          'ops',
          [query(`sum by (reason) (${rate('barnabas_operator_restart_refusals_total')})`, '{{reason}}')],
        ),
      ],
    },
    {
      title: 'Reconciliations',
      panels: [
        graph(
          'Reconciliations',
          'By result. Many while nothing changes are an operator that fights somebody.',
          'ops',
          [
            query(
              `sum by (controller, result) (${rate('controller_runtime_reconcile_total')})`,
              '{{controller}} {{result}}',
            ),
          ],
        ),
        graph('Errors', 'Reconciliations that failed and are tried again.', 'ops', [
          query(
            `sum by (controller) (${rate('controller_runtime_reconcile_errors_total')})`,
            '{{controller}}',
          ),
        ]),
        graph(
          'Since the last success',
          'Grows while there is nothing to do, and while everything fails: see errors.',
          's',
          [
            query(
              `time() - max by (controller) (barnabas_operator_last_success_timestamp_seconds{${scope}})`,
              '{{controller}}',
            ),
          ],
        ),
        graph('Time of a reconciliation', '95th percentile.', 's', [
          query(
            `histogram_quantile(0.95, sum by (le, controller) (${rate('controller_runtime_reconcile_time_seconds_bucket')}))`,
            '{{controller}}',
          ),
        ]),
        graph('Waiting', 'Resources that wait for a worker.', 'short', [
          query(`sum by (name) (workqueue_depth{${scope}})`, '{{name}}'),
        ]),
        graph('Time of waiting', '95th percentile.', 's', [
          query(
            `histogram_quantile(0.95, sum by (le, name) (${rate('workqueue_queue_duration_seconds_bucket')}))`,
            '{{name}}',
          ),
        ]),
        graph('Workers', 'At work, of all.', 'short', [
          query(
            `sum by (controller) (controller_runtime_active_workers{${scope}})`,
            '{{controller}} at work',
          ),
          query(
            `sum by (controller) (controller_runtime_max_concurrent_reconciles{${scope}})`,
            '{{controller}}',
          ),
        ]),
      ],
    },
    {
      title: 'Process',
      panels: [
        graph('Requests to the API server', 'By method and answer.', 'reqps', [
          query(`sum by (method, code) (${rate('rest_client_requests_total')})`, '{{method}} {{code}}'),
        ]),
        graph('Memory', 'Resident.', 'bytes', [
          query(`max by (pod) (process_resident_memory_bytes{${scope}})`, '{{pod}}'),
        ]),
        graph('CPU', 'Cores in use.', 'short', [
          query(`sum by (pod) (${rate('process_cpu_seconds_total')})`, '{{pod}}'),
        ]),
      ],
    },
  ],
}
