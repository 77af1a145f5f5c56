/** Alerts about the operator and what it looks after. */
import type { AlertGroup } from './alert.ts'

const ours = 'operator="barnabas"'
const log = 'Its log: kubectl logs -l app.kubernetes.io/name=barnabas-operator --prefix.'

export const operatorAlerts: AlertGroup = {
  name: 'barnabas-operator',
  alerts: [
    {
      name: 'BarnabasOperatorAway',
      severity: 'warning',
      expression: `sum by (namespace) (leader_election_master_status{${ours}}) != 1 or absent(leader_election_master_status{${ours}})`,
      for: '5m',
      summary: 'No operator works, or several do.',
      means:
        'Clusters go on as they are, but no change is carried out and no broker is restarted that has to be.',
      steps: ['Does it run? kubectl get pods -l app.kubernetes.io/name=barnabas-operator -A.', log],
    },
    {
      name: 'BarnabasResourcesNotReady',
      severity: 'warning',
      expression: `sum by (namespace, kind) (barnabas_operator_resources{${ours},ready="false"}) > 0`,
      for: '15m',
      summary:
        '{{ $value }} resources of kind {{ $labels.kind }} have not been ready for a quarter of an hour.',
      means:
        'They are not as their specs say. Their conditions say what is missing and what would help. Those that only wait for people (rollout.mode, state Paused) are not counted.',
      steps: [
        'Which: kubectl get barnabas -A shows those whose Ready is not True.',
        'Why: kubectl describe clusters.barnabas.dev NAME, or topics.barnabas.dev.',
      ],
    },
    {
      name: 'BarnabasRollBlocked',
      severity: 'warning',
      expression:
        `max by (namespace, cluster_namespace, cluster) (barnabas_operator_pending_restarts{${ours}}) > 0` +
        ` and max by (namespace, cluster_namespace, cluster) (changes(barnabas_operator_pending_restarts{${ours}}[10m])) == 0`,
      // With the ten minutes of the expression: half an hour.
      for: '20m',
      summary:
        'Of {{ $labels.cluster_namespace }}/{{ $labels.cluster }}, {{ $value }} restarts are to come, and none has been done for half an hour.',
      means:
        'Its brokers run, but not all as the spec says: a new version, image or setting has not reached them. What people hold back (rollout.mode, state Paused) is not counted.',
      steps: [
        'Which, and why it has to wait: kubectl describe clusters.barnabas.dev NAME, conditions Progressing and Degraded, status.members[].blockedBy.',
        'RestartRefused: partitions would fall below min.insync.replicas. They need their other replicas in sync, or more replicas.',
        'RollStalled: a new pod does not come up. Mend the spec; that pod is then made anew.',
        'A broker that reads its logs again (Recovering) is waited for, however long it takes.',
      ],
    },
    {
      name: 'BarnabasReconcileErrors',
      severity: 'warning',
      expression: `sum by (namespace, controller) (rate(controller_runtime_reconcile_errors_total{${ours}}[5m])) > 0.1`,
      for: '15m',
      summary: 'The {{ $labels.controller }} controller fails {{ $value | humanize }} times a second.',
      means: 'Something that it needs fails again and again: the API server, brokers, or its rights.',
      steps: [log, 'Refused by the API server: are the rights of the chart those of this version?'],
    },
    {
      name: 'BarnabasReconcileRunaway',
      severity: 'warning',
      expression: `sum by (namespace, controller) (rate(controller_runtime_reconcile_total{${ours}}[10m])) > 5`,
      for: '15m',
      summary: 'The {{ $labels.controller }} controller reconciles {{ $value | humanize }} times a second.',
      means: 'It changes something that somebody else changes back, or a great many resources change.',
      steps: [
        'Which resource: the events, kubectl events -A --watch.',
        'Does another tool apply the objects that the operator owns? Their managedFields tell who writes them.',
      ],
    },
    {
      name: 'BarnabasOperatorStalled',
      severity: 'warning',
      expression: `sum by (namespace) (workqueue_depth{${ours}}) > 0 and sum by (namespace) (rate(controller_runtime_reconcile_total{${ours}}[15m])) == 0`,
      for: '15m',
      summary: '{{ $value }} resources wait for the operator, which does nothing.',
      means: 'All its workers wait for something that does not come.',
      steps: [log, 'Restart it: kubectl rollout restart deployment/barnabas. It goes on where it was.'],
    },
    {
      name: 'BarnabasOperatorSaturated',
      severity: 'warning',
      expression: `min by (namespace, controller) (avg_over_time(controller_runtime_active_workers{${ours}}[10m]) / controller_runtime_max_concurrent_reconciles{${ours}}) > 0.95`,
      for: '15m',
      summary: 'All workers of the {{ $labels.controller }} controller are busy.',
      means: 'Changes wait longer and longer.',
      steps: ['Raise maxConcurrentReconciles.', 'Slow reconciliations: the board Operator.'],
    },
    {
      name: 'BarnabasDefinitionsOutOfDate',
      severity: 'warning',
      expression: `min by (namespace, kind) (barnabas_operator_definition_up_to_date{${ours}}) == 0`,
      for: '5m',
      summary:
        'The CustomResourceDefinition of {{ $labels.kind }} is not the one that this operator was made for.',
      means: 'Fields that it does not know are dropped by the API server without a word.',
      steps: [
        'Install the definitions of this version: crds.install=true, or kubectl apply --server-side -f crds/.',
      ],
    },
  ],
}
