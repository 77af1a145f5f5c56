/** Alerts about brokers, from what brokers export. */
import { type AlertGroup, where } from './alert.ts'

const controller = 'kafka_controller_kafkacontroller'
const replicas = 'kafka_server_replicamanager'
const byCluster = 'by (namespace, cluster)'
const byBroker = 'by (namespace, cluster, broker)'

/** Stands in the expression of BarnabasNoMessages where the chart puts the topics that were asked for; selects none. */
export const topicsAskedFor = 'topic=~""'

const pods =
  'Which brokers are not ready, and why: kubectl get pods -l barnabas.dev/cluster=CLUSTER, kubectl describe pod POD.'
const conditions = 'What the operator says: kubectl describe cluster.barnabas.dev/CLUSTER.'

export const brokerAlerts: AlertGroup = {
  name: 'barnabas-brokers',
  alerts: [
    {
      name: 'BarnabasOfflinePartitions',
      severity: 'critical',
      expression: `max ${byCluster} (${controller}_offlinepartitionscount) > 0`,
      for: '1m',
      summary: `{{ $value }} partitions of ${where} have no leader.`,
      means:
        'Nobody leads these partitions: what is produced to them is refused and what is in them cannot be read.',
      steps: [
        pods,
        'All replicas of a partition in sync must come back, or one of them: bring those brokers back first.',
        'If their disks are lost for good, an unclean election gives up records that were acknowledged; it is the last resort: unclean.leader.election.enable=true for that topic, and back again.',
      ],
    },
    {
      name: 'BarnabasUnderMinimumInSyncReplicas',
      severity: 'critical',
      expression: `sum ${byCluster} (${replicas}_underminisrpartitioncount) > 0`,
      for: '2m',
      summary: `{{ $value }} partitions of ${where} refuse acks=all.`,
      means:
        'Fewer replicas are in sync than min.insync.replicas asks for. Producers with acks=all get NOT_ENOUGH_REPLICAS; reading goes on.',
      steps: [
        pods,
        'If all brokers run, look at the replication lag on the board Cluster: a slow disk or network keeps followers out.',
        'Brokers that were just started come back into sync by themselves.',
      ],
    },
    {
      name: 'BarnabasUnderReplicatedPartitions',
      severity: 'warning',
      expression: `sum ${byCluster} (${replicas}_underreplicatedpartitions) > 0`,
      for: '10m',
      summary: `{{ $value }} partitions of ${where} have fewer replicas in sync than they have.`,
      means: 'Clients notice nothing yet, but the next broker that goes takes more with it.',
      steps: [
        pods,
        'Followers that run and stay behind: replication lag, disk and network on the board Cluster.',
      ],
    },
    {
      name: 'BarnabasNoActiveController',
      severity: 'critical',
      expression: `sum ${byCluster} (${controller}_activecontrollercount) != 1`,
      for: '2m',
      summary: `${where} has {{ $value }} active controllers; it must be one.`,
      means:
        'Without a controller nothing is elected and no topic is created or changed. Produce and fetch go on as long as leaders live.',
      steps: [
        'Is etcd there? The controller is elected in it: alerts BarnabasEtcd…, row Controller and metadata of the board Cluster.',
        'Several for long: a broker that does not see etcd and has not given up; its log says so. Restart that pod.',
      ],
    },
    {
      name: 'BarnabasBrokerFenced',
      severity: 'warning',
      expression: `max ${byCluster} (${controller}_fencedbrokercount) > 0`,
      for: '5m',
      summary: `{{ $value }} brokers of ${where} are registered but not alive.`,
      means: 'They lead nothing and serve nobody; their replicas fall behind.',
      steps: [pods, conditions],
    },
    {
      name: 'BarnabasBrokerNotScraped',
      severity: 'warning',
      expression: `min ${byBroker} (up{broker!=""}) == 0`,
      for: '5m',
      summary: `Broker {{ $labels.broker }} of ${where} does not answer Prometheus.`,
      means: 'It is down or too busy to answer, and the other alerts know nothing of it.',
      steps: [pods, 'If it is ready: is a NetworkPolicy between Prometheus and port 9404?'],
    },
    {
      name: 'BarnabasLogDirectoryFailed',
      severity: 'critical',
      expression: `max ${byBroker} (kafka_log_logmanager_offlinelogdirectorycount) > 0`,
      for: '1m',
      summary: `{{ $value }} log directories of broker {{ $labels.broker }} of ${where} have failed.`,
      means:
        'Reading or writing the disk failed. Replicas on it are offline; others lead in their place where there are others.',
      steps: [
        'The log of the broker names the directory and the error of the system.',
        'Repair or replace the volume, then delete the pod: the broker copies what it misses from the others.',
      ],
    },
    {
      name: 'BarnabasDiskAlmostFull',
      severity: 'critical',
      expression: `min ${byBroker} (barnabas_storage_disk_free_bytes / barnabas_storage_disk_total_bytes) < 0.15`,
      for: '10m',
      summary: `A disk of broker {{ $labels.broker }} of ${where} is {{ $value | humanizePercentage }} free.`,
      means:
        'Below log.dirs.reserved.bytes the broker refuses what is produced; fetching, deletes and retention go on.',
      steps: [
        'Largest topics: panel Size on the board Topics and groups.',
        'Shorten retention of those that may lose their oldest records; it takes effect within minutes.',
        'Or enlarge the volumes.',
      ],
    },
    {
      name: 'BarnabasDiskFillsUp',
      severity: 'warning',
      expression:
        `min ${byBroker} (predict_linear(barnabas_storage_disk_free_bytes[6h], 4 * 3600)) < 0` +
        ` and min ${byBroker} (barnabas_storage_disk_free_bytes / barnabas_storage_disk_total_bytes) < 0.5`,
      for: '30m',
      summary: `A disk of broker {{ $labels.broker }} of ${where} will be full within four hours.`,
      means: 'At the speed of the last six hours. Producing is refused before the disk is really full.',
      steps: ['As for BarnabasDiskAlmostFull, with more time.'],
    },
    {
      name: 'BarnabasUncleanElection',
      severity: 'critical',
      expression: `sum ${byCluster} (increase(kafka_controller_controllerstats_uncleanleaderelections_total[1h])) > 0`,
      for: '0m',
      summary: `${where} elected a leader that may lack acknowledged records.`,
      means:
        'unclean.leader.election.enable is on, or somebody asked for it, and no replica in sync was there.',
      steps: [
        'The log of the controller names the partitions.',
        'Whoever produces to them should know that the last records before it may be gone.',
        'Switch unclean.leader.election.enable off where losing records is worse than waiting.',
      ],
    },
    {
      name: 'BarnabasCommittedRecordsLost',
      severity: 'critical',
      expression: `sum ${byBroker} (increase(barnabas_replication_lost_committed_offsets_total[1h])) > 0`,
      for: '0m',
      summary: `Broker {{ $labels.broker }} of ${where} cut {{ $value }} offsets that had been committed.`,
      means:
        'A replica had records below the high watermark that its leader does not have: after an unclean election, or after a disk that lost what it had confirmed.',
      steps: [
        'The log of the broker names the partition and the offsets.',
        'As for BarnabasUncleanElection.',
      ],
    },
    {
      name: 'BarnabasConsumerLagGrows',
      severity: 'warning',
      expression:
        'sum by (namespace, cluster, consumergroup, topic) (kafka_consumergroup_lag) > 10000' +
        ' and sum by (namespace, cluster, consumergroup, topic) (deriv(kafka_consumergroup_lag[30m])) > 0',
      for: '30m',
      summary: `Group {{ $labels.consumergroup }} of ${where} is {{ $value }} records behind on {{ $labels.topic }} and falls further behind.`,
      means:
        'Its consumers are slower than its producers. What is older than the retention is gone before they come to it.',
      steps: [
        'Board Topics and groups: has it members? A line of members that jumps is a group that rebalances all the time.',
        'All partitions, or one? One: a key that has most records, or one slow consumer.',
        'More consumers help up to the number of partitions.',
      ],
    },
    {
      name: 'BarnabasNoMessages',
      severity: 'warning',
      expression: `sum by (namespace, cluster, topic) (changes(kafka_topic_partition_current_offset{${topicsAskedFor}}[10m])) == 0`,
      // With the ten minutes of the expression: half an hour.
      for: '20m',
      summary: `Nothing has been written to topic {{ $labels.topic }} of ${where} for half an hour.`,
      means:
        'Its producers are away, or what they send is refused. Told only of topics that prometheusRule.noMessages.topics names.',
      steps: [
        'Do its producers run, and what do their logs say?',
        'Do they reach the brokers? Rows Health and Traffic of the board Cluster: failed produce requests, partitions that refuse acks=all.',
        'A topic that is quiet by nature: take it out of prometheusRule.noMessages.topics.',
      ],
    },
    {
      name: 'BarnabasEventLoopSlow',
      severity: 'warning',
      expression: `max ${byBroker} (nodejs_eventloop_lag_p99_seconds) > 0.5`,
      for: '10m',
      summary: `The thread of broker {{ $labels.broker }} of ${where} comes {{ $value | humanizeDuration }} late.`,
      means: 'Every request waits so long, and the broker may lose its place in sync and in etcd.',
      steps: [
        'CPU on the board Cluster: is its limit reached? Without a CPU limit it is not held back.',
        'Disk: writes that take long hold up the thread.',
        'More brokers, and partitions moved to them.',
      ],
    },
    {
      name: 'BarnabasOpenFilesHigh',
      severity: 'warning',
      expression: `max ${byBroker} (process_open_fds{broker!=""} / process_max_fds{broker!=""}) > 0.8`,
      for: '10m',
      summary: `Broker {{ $labels.broker }} of ${where} has {{ $value | humanizePercentage }} of the files open that it may.`,
      means: 'Beyond the limit it can take no connection and open no segment.',
      steps: [
        'Connections on the board Cluster: clients that do not close theirs.',
        'Raise the limit of the container runtime.',
      ],
    },
    {
      name: 'BarnabasCompactionStuck',
      severity: 'warning',
      expression: `max ${byBroker} (kafka_log_logcleanermanager_uncleanable_partitions_count) > 0`,
      for: '30m',
      summary: `Broker {{ $labels.broker }} of ${where} cannot compact {{ $value }} logs.`,
      means: 'They grow without bound until that is repaired; __consumer_offsets may be one of them.',
      steps: ['The log of the broker names them and says why.', 'Restarting the broker makes it try again.'],
    },
    {
      name: 'BarnabasMetadataStale',
      severity: 'warning',
      expression: `max ${byBroker} (min_over_time(barnabas_metadata_revision_lag[5m])) > 0`,
      for: '5m',
      summary: `Broker {{ $labels.broker }} of ${where} is {{ $value }} revisions behind the metadata.`,
      means:
        'It does not know of the latest leaders, topics and settings, and sends clients to the wrong brokers.',
      steps: ['Does it reach etcd? Panel etcd as brokers see it.', 'Restart that pod.'],
    },
  ],
}
