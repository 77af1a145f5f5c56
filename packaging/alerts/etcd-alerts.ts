/** Alerts about the etcd of a cluster, from what etcd itself and the brokers export. */
import { type AlertGroup, where } from './alert.ts'

const byMember = 'by (namespace, cluster, member)'

export const etcdAlerts: AlertGroup = {
  name: 'barnabas-etcd',
  alerts: [
    {
      name: 'BarnabasEtcdNoLeader',
      severity: 'critical',
      expression: `min ${byMember} (etcd_server_has_leader{cluster!=""}) == 0`,
      for: '1m',
      summary: `Member {{ $labels.member }} of the etcd of ${where} sees no leader.`,
      means:
        'While most members see none, no leader of partitions is elected and no topic changes. Produce and fetch go on.',
      steps: [
        'Which members run: kubectl get pods -l app.kubernetes.io/component=etcd.',
        'More than half of them must see each other.',
      ],
    },
    {
      name: 'BarnabasEtcdUnreachable',
      severity: 'warning',
      expression:
        'sum by (namespace, cluster, broker) (rate(barnabas_etcd_request_failures_total[5m])) > 0.1',
      for: '5m',
      summary: `Requests of broker {{ $labels.broker }} of ${where} to etcd fail.`,
      means: 'A broker that cannot renew its lease is taken for dead, and its partitions get other leaders.',
      steps: [
        'One broker: its network. All: etcd itself.',
        'Panels etcd disk and etcd leader changes on the board Cluster.',
      ],
    },
    {
      name: 'BarnabasEtcdDatabaseNearQuota',
      severity: 'warning',
      expression: `max ${byMember} (etcd_mvcc_db_total_size_in_bytes{cluster!=""} / etcd_server_quota_backend_bytes{cluster!=""}) > 0.8`,
      for: '10m',
      summary: `The etcd of ${where} has used {{ $value | humanizePercentage }} of its quota.`,
      means: 'At its quota etcd takes no more writes until somebody makes room.',
      steps: [
        'In use far below allocated (panel etcd size): etcdctl defrag, one member after the other.',
        'Does somebody else keep things in this etcd?',
      ],
    },
    {
      name: 'BarnabasEtcdSlowDisk',
      severity: 'warning',
      expression: `histogram_quantile(0.99, sum by (namespace, cluster, member, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket{cluster!=""}[5m]))) > 0.1`,
      for: '10m',
      summary: `The disk of member {{ $labels.member }} of the etcd of ${where} takes {{ $value | humanizeDuration }} to make a write durable.`,
      means: 'Leases may not be renewed in time, and brokers lose their place for no reason of their own.',
      steps: ['Give etcd a faster storage class, away from the disks of brokers.'],
    },
  ],
}
