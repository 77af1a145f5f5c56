/** For every alert: series that must make it fire, and series as like them as can be that must not. */

/** Values as promtool writes them, a minute apart: 'A+BxN' begins at A and grows by B N times, 'AxN' stays. */
type Series = Readonly<Record<string, string>>

export interface AlertCase {
  readonly fires: Series
  readonly quiet: Series
  /** When one looks; the alert's own `for` must be over by then. */
  readonly at: string
  /** Labels of the alert besides its name and severity. */
  readonly labels: string
}

const cluster = 'namespace="team",cluster="kafka"'
const broker = `${cluster},broker="0"`
const operator = 'operator="barnabas",namespace="system",pod="barnabas-1"'
const member = `${cluster},member="0"`

/** Of the metric with these labels, a bad and a good course. */
function course(
  metric: string,
  labels: string,
  bad: string,
  good: string,
): Pick<AlertCase, 'fires' | 'quiet'> {
  return { fires: { [`${metric}{${labels}}`]: bad }, quiet: { [`${metric}{${labels}}`]: good } }
}

const controller = 'kafka_controller_kafkacontroller'
const replicas = 'kafka_server_replicamanager'

export const alertCases: Readonly<Record<string, AlertCase>> = {
  BarnabasOfflinePartitions: {
    ...course(`${controller}_offlinepartitionscount`, broker, '2x10', '0x10'),
    at: '3m',
    labels: cluster,
  },
  BarnabasUnderMinimumInSyncReplicas: {
    ...course(`${replicas}_underminisrpartitioncount`, broker, '1x10', '1 1 0x10'),
    at: '4m',
    labels: cluster,
  },
  BarnabasUnderReplicatedPartitions: {
    ...course(`${replicas}_underreplicatedpartitions`, broker, '3x20', '3x8 0x20'),
    at: '15m',
    labels: cluster,
  },
  BarnabasNoActiveController: {
    ...course(`${controller}_activecontrollercount`, broker, '0x10', '1x10'),
    at: '5m',
    labels: cluster,
  },
  BarnabasBrokerFenced: {
    ...course(`${controller}_fencedbrokercount`, broker, '1x10', '1 1 0x10'),
    at: '8m',
    labels: cluster,
  },
  BarnabasBrokerNotScraped: {
    fires: { [`up{${broker}}`]: '0x10' },
    quiet: { [`up{${broker}}`]: '1x10', 'up{job="something else"}': '0x10' },
    at: '8m',
    labels: broker,
  },
  BarnabasLogDirectoryFailed: {
    ...course('kafka_log_logmanager_offlinelogdirectorycount', broker, '1x10', '0x10'),
    at: '3m',
    labels: broker,
  },
  BarnabasDiskAlmostFull: {
    fires: disk('10x20'),
    quiet: disk('20x20'),
    at: '15m',
    labels: broker,
  },
  BarnabasDiskFillsUp: {
    // from 100 to 30 within seven hours does not last four more; from 48 to 39 does.
    fires: disk('100-0.16666x420'),
    quiet: disk('48-0.0222x420'),
    at: '7h',
    labels: broker,
  },
  BarnabasUncleanElection: {
    ...course('kafka_controller_controllerstats_uncleanleaderelections_total', broker, '0x5 1x10', '3x15'),
    at: '10m',
    labels: cluster,
  },
  BarnabasCommittedRecordsLost: {
    ...course('barnabas_replication_lost_committed_offsets_total', broker, '0x5 17x10', '17x15'),
    at: '10m',
    labels: broker,
  },
  BarnabasConsumerLagGrows: {
    ...course(
      'kafka_consumergroup_lag',
      `${broker},consumergroup="billing",topic="orders",partition="0"`,
      '20000+100x70',
      '30000-100x70',
    ),
    at: '65m',
    labels: `${cluster},consumergroup="billing",topic="orders"`,
  },
  BarnabasNoMessages: {
    fires: offsets('7x40', '9x40'),
    // One record on one of its partitions now and then is enough.
    quiet: offsets('7x40', '0x8 1x8 2x8 3x12'),
    at: '35m',
    labels: `${cluster},topic="orders"`,
  },
  BarnabasEventLoopSlow: {
    ...course('nodejs_eventloop_lag_p99_seconds', broker, '0.9x20', '0.02x20'),
    at: '15m',
    labels: broker,
  },
  BarnabasOpenFilesHigh: {
    fires: { [`process_open_fds{${broker}}`]: '900x20', [`process_max_fds{${broker}}`]: '1000x20' },
    quiet: {
      [`process_open_fds{${broker}}`]: '500x20',
      [`process_max_fds{${broker}}`]: '1000x20',
      'process_open_fds{job="something else"}': '900x20',
      'process_max_fds{job="something else"}': '1000x20',
    },
    at: '15m',
    labels: broker,
  },
  BarnabasCompactionStuck: {
    ...course('kafka_log_logcleanermanager_uncleanable_partitions_count', broker, '1x40', '0x40'),
    at: '35m',
    labels: broker,
  },
  BarnabasMetadataStale: {
    // Changes that are on their way are no harm: the quiet one is behind now and then.
    ...course('barnabas_metadata_revision_lag', broker, '4x20', '4 0 4 0 4 0 4 0 4 0 4 0 4 0 4 0 4 0 4 0'),
    at: '15m',
    labels: broker,
  },
  BarnabasOperatorAway: {
    ...course('leader_election_master_status', operator, '0x10', '1x10'),
    at: '8m',
    labels: 'namespace="system"',
  },
  BarnabasResourcesNotReady: {
    fires: { [`barnabas_operator_resources{${operator},kind="Topic",ready="false"}`]: '2x20' },
    quiet: {
      [`barnabas_operator_resources{${operator},kind="Topic",ready="false"}`]: '2x10 0x10',
      [`barnabas_operator_resources{${operator},kind="Topic",ready="held"}`]: '2x20',
    },
    at: '20m',
    labels: 'namespace="system",kind="Topic"',
  },
  BarnabasRollBlocked: {
    ...course(
      'barnabas_operator_pending_restarts',
      `${operator},cluster_namespace="team",cluster="kafka"`,
      '3x10 2x40',
      '3x10 2x20 1x20',
    ),
    at: '45m',
    labels: 'namespace="system",cluster_namespace="team",cluster="kafka"',
  },
  BarnabasReconcileErrors: {
    ...course(
      'controller_runtime_reconcile_errors_total',
      `${operator},controller="cluster"`,
      '0+30x30',
      '0+1x30',
    ),
    at: '25m',
    labels: 'namespace="system",controller="cluster"',
  },
  BarnabasReconcileRunaway: {
    fires: { [`controller_runtime_reconcile_total{${operator},controller="topic"}`]: '0+600x40' },
    quiet: {
      [`controller_runtime_reconcile_total{${operator},controller="topic"}`]: '0+60x40',
      'controller_runtime_reconcile_total{operator="another",controller="topic"}': '0+600x40',
    },
    at: '35m',
    labels: 'namespace="system",controller="topic"',
  },
  BarnabasOperatorStalled: {
    fires: stalled('0x50'),
    quiet: stalled('0+1x50'),
    at: '45m',
    labels: 'namespace="system"',
  },
  BarnabasOperatorSaturated: {
    fires: workers('4x40'),
    quiet: workers('1x40'),
    at: '35m',
    labels: 'namespace="system",controller="topic"',
  },
  BarnabasDefinitionsOutOfDate: {
    ...course('barnabas_operator_definition_up_to_date', `${operator},kind="Topic"`, '0x10', '1x10'),
    at: '8m',
    labels: 'namespace="system",kind="Topic"',
  },
  BarnabasEtcdNoLeader: {
    ...course('etcd_server_has_leader', member, '0x10', '1x10'),
    at: '3m',
    labels: member,
  },
  BarnabasEtcdUnreachable: {
    ...course('barnabas_etcd_request_failures_total', `${broker},operation="commit"`, '0+60x20', '0x5 1x15'),
    at: '15m',
    labels: broker,
  },
  BarnabasEtcdDatabaseNearQuota: {
    fires: quota('1900000000x20'),
    quiet: quota('400000000x20'),
    at: '15m',
    labels: member,
  },
  BarnabasEtcdSlowDisk: {
    fires: fsync('0+0x30', '0+60x30'),
    quiet: fsync('0+60x30', '0+60x30'),
    at: '20m',
    labels: member,
  },
}

/** Where two partitions of a topic end. */
function offsets(first: string, second: string): Series {
  const partition = (id: number): string =>
    `kafka_topic_partition_current_offset{${broker},topic="orders",partition="${id}"}`
  return { [partition(0)]: first, [partition(1)]: second }
}

function stalled(reconciled: string): Series {
  return {
    [`workqueue_depth{${operator},name="topic"}`]: '5x50',
    [`controller_runtime_reconcile_total{${operator},controller="topic"}`]: reconciled,
  }
}

function workers(active: string): Series {
  return {
    [`controller_runtime_active_workers{${operator},controller="topic"}`]: active,
    [`controller_runtime_max_concurrent_reconciles{${operator},controller="topic"}`]: '4x40',
  }
}

/** Free parts of a disk of 100. */
function disk(free: string): Series {
  const path = `${broker},path="/var/lib/barnabas"`
  return {
    [`barnabas_storage_disk_free_bytes{${path}}`]: free,
    [`barnabas_storage_disk_total_bytes{${path}}`]: '100x420',
  }
}

function quota(size: string): Series {
  return {
    [`etcd_mvcc_db_total_size_in_bytes{${member}}`]: size,
    [`etcd_server_quota_backend_bytes{${member}}`]: '2147483648x20',
  }
}

/** Writes within 16 ms and within half a second. */
function fsync(fast: string, all: string): Series {
  const bucket = (limit: string): string =>
    `etcd_disk_wal_fsync_duration_seconds_bucket{${member},le="${limit}"}`
  return { [bucket('0.016')]: fast, [bucket('0.512')]: all, [bucket('+Inf')]: all }
}
