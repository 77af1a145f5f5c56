import type { LogDirectories } from './log/log-directories.ts'
import { isAlive, type MetadataImage, type PartitionImage } from './metadata/image.ts'
import type { Emit, Metric } from './metrics/metrics.ts'
import type { TopicCounters, TopicTraffic } from './metrics/topic-traffic.ts'
import type { FetchSessions } from './api/fetch-sessions.ts'
import type { Partition } from './replication/partition.ts'
import type { Replication } from './open-replication.ts'

/**
 * What a broker exports about its topics, replicas and cluster, under the names that dashboards know. Series per
 * partition stop at `mostPartitionSeries` partitions, so that a scrape stays small on a broker with very many.
 */
export function brokerMetrics(parts: BrokerMetricsParts): Metric[] {
  return [
    ...trafficMetrics(parts.traffic),
    ...replicaMetrics(parts),
    ...logMetrics(parts),
    ...partitionMetrics(parts),
    ...clusterMetrics(parts),
  ]
}

export interface BrokerMetricsParts {
  readonly brokerId: number
  readonly image: () => MetadataImage
  readonly isController: () => boolean
  readonly elections: { readonly total: number; readonly unclean: number }
  readonly replication: Pick<Replication, 'partitions' | 'followers' | 'counters'>
  readonly logs: LogDirectories
  readonly traffic: TopicTraffic
  readonly sessions: FetchSessions
}

/** About 8 series each: a scrape of some 5 MB at the bound. */
const mostPartitionSeries = 5000

function trafficMetrics(traffic: TopicTraffic): Metric[] {
  const perTopic = (name: string, help: string, field: keyof TopicCounters): Metric => ({
    name: `kafka_server_brokertopicmetrics_${name}_total`,
    help,
    type: 'counter',
    collect(emit) {
      emit(traffic.all[field])
      for (const [topic, counters] of traffic.topics) emit(counters[field], { topic })
    },
  })
  const total = (name: string, help: string, read: () => number): Metric => ({
    name: `kafka_server_brokertopicmetrics_${name}_total`,
    help,
    type: 'counter',
    collect: emit => emit(read()),
  })
  return [
    perTopic('messagesin', 'Records appended.', 'messagesIn'),
    perTopic('bytesin', 'Bytes of record batches appended.', 'bytesIn'),
    perTopic('bytesout', 'Bytes of record batches fetched by consumers.', 'bytesOut'),
    perTopic('replicationbytesin', 'Bytes of record batches copied from leaders.', 'replicationBytesIn'),
    perTopic('replicationbytesout', 'Bytes of record batches given to followers.', 'replicationBytesOut'),
    total('totalproducerequests', 'Produce requests.', () => traffic.produceRequests),
    total('totalfetchrequests', 'Fetch requests.', () => traffic.fetchRequests),
    total(
      'failedproducerequests',
      'Partitions refused in Produce requests.',
      () => traffic.all.failedProduceRequests,
    ),
    total(
      'failedfetchrequests',
      'Partitions refused in Fetch requests.',
      () => traffic.all.failedFetchRequests,
    ),
  ]
}

function counter(name: string, help: string, read: () => number): Metric {
  return { name, help, type: 'counter', collect: emit => emit(read()) }
}

function gauge(name: string, help: string, collect: (emit: Emit) => void): Metric {
  return { name, help, type: 'gauge', collect }
}

function replicaMetrics({ replication, sessions }: BrokerMetricsParts): Metric[] {
  const { partitions, followers, counters } = replication
  const counted = (name: string, help: string, counts: (partition: Partition) => boolean): Metric =>
    gauge(`kafka_server_replicamanager_${name}`, help, emit => {
      let count = 0
      for (const partition of partitions.all()) if (counts(partition)) count++
      emit(count)
    })
  return [
    gauge('kafka_server_replicamanager_partitioncount', 'Replicas on this broker.', emit =>
      emit(partitions.size),
    ),
    counted('leadercount', 'Partitions that this broker leads.', partition => partition.isLeader),
    counted(
      'underreplicatedpartitions',
      'Partitions led here with fewer replicas in sync than they have.',
      ({ isLeader, isr, state }) => isLeader && isr.length < state.replicas.length,
    ),
    counted(
      'underminisrpartitioncount',
      'Partitions led here with fewer replicas in sync than min.insync.replicas.',
      partition => partition.isLeader && partition.isUnderMinInsyncReplicas,
    ),
    counted(
      'atminisrpartitioncount',
      'Partitions led here with exactly min.insync.replicas replicas in sync.',
      partition => partition.isLeader && isAtMinInsyncReplicas(partition),
    ),
    counter(
      'kafka_server_replicamanager_isrshrinks_total',
      'Times replicas left an in-sync set.',
      () => counters.isrShrinks,
    ),
    counter(
      'kafka_server_replicamanager_isrexpands_total',
      'Times replicas joined an in-sync set.',
      () => counters.isrExpands,
    ),
    counter(
      'kafka_server_replicamanager_failedisrupdates_total',
      'Changes of in-sync sets that the controller refused.',
      () => counters.failedIsrUpdates,
    ),
    counter(
      'barnabas_replication_lost_committed_offsets_total',
      'Offsets that were committed and had to be cut off, because a leader elected uncleanly did not have them.',
      () => counters.lostCommittedOffsets,
    ),
    gauge(
      'kafka_server_replicafetchermanager_maxlag',
      'Offsets that the replica furthest behind its leader is behind.',
      emit => emit(followers.maxLag),
    ),
    counted('offlinereplicacount', 'Replicas whose log directory failed.', partition => partition.isOffline),
    gauge('kafka_server_fetchsessioncache_numincrementalfetchsessions', 'Fetch sessions kept.', emit =>
      emit(sessions.size),
    ),
    gauge(
      'kafka_server_fetchsessioncache_numincrementalfetchpartitionscached',
      'Partitions in fetch sessions.',
      emit => emit(sessions.partitionCount),
    ),
    {
      name: 'kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total',
      help: 'Fetch sessions pushed out by others.',
      type: 'counter',
      collect: emit => emit(sessions.evictions),
    },
  ]
}

function logMetrics({ replication: { partitions }, logs }: BrokerMetricsParts): Metric[] {
  const perLog = (name: string, help: string, value: (partition: Partition) => number): Metric =>
    gauge(name, help, emit => {
      let series = 0
      for (const partition of partitions.all()) {
        if (series++ >= mostPartitionSeries) return
        emit(value(partition), { topic: partition.topic, partition: partition.index })
      }
    })
  return [
    perLog('kafka_log_log_size', 'Bytes in the log.', ({ log }) => log.sizeInBytes),
    perLog('kafka_log_log_logstartoffset', 'First offset in the log.', ({ log }) => log.logStartOffset),
    perLog('kafka_log_log_logendoffset', 'Offset of the next record.', ({ log }) => log.logEndOffset),
    perLog('kafka_topic_partition_current_offset', 'High watermark.', ({ log }) => log.highWatermark),
    perLog('kafka_topic_partition_oldest_offset', 'First offset.', ({ log }) => log.logStartOffset),
    gauge('kafka_log_logmanager_offlinelogdirectorycount', 'Log directories that failed.', emit =>
      emit(logs.facts().filter(({ error }) => error !== 'NONE').length),
    ),
    gauge('barnabas_storage_disk_free_bytes', 'Free bytes on the disk of a log directory.', emit => {
      for (const { path, usableBytes } of logs.facts()) if (usableBytes >= 0) emit(usableBytes, { path })
    }),
    gauge('barnabas_storage_disk_total_bytes', 'Size of the disk of a log directory.', emit => {
      for (const { path, totalBytes } of logs.facts()) if (totalBytes >= 0) emit(totalBytes, { path })
    }),
  ]
}

/** Of partitions led here. */
function partitionMetrics({ replication: { partitions } }: BrokerMetricsParts): Metric[] {
  const perLed = (name: string, help: string, value: (partition: Partition) => number): Metric =>
    gauge(`kafka_cluster_partition_${name}`, help, emit => {
      let series = 0
      for (const partition of partitions.all()) {
        if (!partition.isLeader) continue
        if (series++ >= mostPartitionSeries) return
        emit(value(partition), { topic: partition.topic, partition: partition.index })
      }
    })
  return [
    perLed('replicascount', 'Replicas.', ({ state }) => state.replicas.length),
    perLed('insyncreplicascount', 'Replicas in sync.', ({ isr }) => isr.length),
    perLed('underreplicated', '1 when a replica is not in sync.', ({ isr, state }) =>
      isr.length < state.replicas.length ? 1 : 0,
    ),
    perLed('underminisr', '1 when fewer replicas are in sync than min.insync.replicas.', partition =>
      partition.isUnderMinInsyncReplicas ? 1 : 0,
    ),
    perLed('atminisr', '1 when exactly min.insync.replicas replicas are in sync.', partition =>
      isAtMinInsyncReplicas(partition) ? 1 : 0,
    ),
  ]
}

export function isAtMinInsyncReplicas({ isr, state, settings }: Partition): boolean {
  return isr.length === Math.min(settings['min.insync.replicas'], state.replicas.length)
}

function clusterMetrics(parts: BrokerMetricsParts): Metric[] {
  const { image, isController } = parts
  const perPartition = (name: string, help: string, value: (partition: PartitionImage) => number): Metric =>
    gauge(name, help, emit => {
      let series = 0
      for (const { name: topic, partitions } of image().topicsByName.values()) {
        for (const [partition, state] of partitions.entries()) {
          if (series++ >= mostPartitionSeries) return
          emit(value(state), { topic, partition })
        }
      }
    })
  const controllerGauge = (name: string, help: string, value: () => number): Metric =>
    gauge(`kafka_controller_kafkacontroller_${name}`, help, emit => emit(isController() ? value() : 0))
  const allPartitions = (): PartitionImage[] =>
    [...image().topicsByName.values()].flatMap(({ partitions }) => [...partitions])
  return [
    gauge('kafka_brokers', 'Brokers that are alive.', emit => emit(aliveBrokers(image()))),
    gauge('kafka_topic_partitions', 'Partitions of a topic.', emit => {
      for (const { name, partitions } of image().topicsByName.values())
        emit(partitions.length, { topic: name })
    }),
    perPartition(
      'kafka_topic_partition_leader',
      'Id of the leading broker, -1 while there is none.',
      ({ leader }) => leader,
    ),
    perPartition('kafka_topic_partition_replicas', 'Replicas.', ({ replicas }) => replicas.length),
    perPartition('kafka_topic_partition_in_sync_replica', 'Replicas in sync.', ({ isr }) => isr.length),
    perPartition('kafka_topic_partition_leader_is_preferred', '1 when the first replica leads.', state =>
      state.leader === state.replicas[0] ? 1 : 0,
    ),
    perPartition(
      'kafka_topic_partition_under_replicated_partition',
      '1 when a replica is not in sync.',
      state => (state.isr.length < state.replicas.length ? 1 : 0),
    ),
    gauge(
      'barnabas_controller_epoch',
      'Epoch of the controller that this broker knows of, which grows with each election of one; 0 while there is none.',
      emit => emit(image().controller?.epoch ?? 0),
    ),
    gauge('kafka_controller_kafkacontroller_activecontrollercount', '1 on the active controller.', emit =>
      emit(isController() ? 1 : 0),
    ),
    controllerGauge('globaltopiccount', 'Topics of the cluster.', () => image().topicsByName.size),
    controllerGauge('globalpartitioncount', 'Partitions of the cluster.', () => allPartitions().length),
    controllerGauge(
      'offlinepartitionscount',
      'Partitions without a leader.',
      () => allPartitions().filter(({ leader }) => !isAlive(image(), leader)).length,
    ),
    controllerGauge(
      'preferredreplicaimbalancecount',
      'Partitions not led by their first replica.',
      () => allPartitions().filter(({ leader, replicas }) => leader !== replicas[0]).length,
    ),
    controllerGauge('activebrokercount', 'Brokers that are registered and not fenced.', () =>
      aliveBrokers(image()),
    ),
    controllerGauge(
      'fencedbrokercount',
      'Brokers that belong to the cluster and are away, or not let in.',
      () => knownBrokers(image()) - aliveBrokers(image()),
    ),
    {
      name: 'kafka_controller_controllerstats_leaderelections_total',
      help: 'Leaders elected by this broker as controller.',
      type: 'counter',
      collect: emit => emit(parts.elections.total),
    },
    {
      name: 'kafka_controller_controllerstats_uncleanleaderelections_total',
      help: 'Leaders elected by this broker as controller that may lack acknowledged records.',
      type: 'counter',
      collect: emit => emit(parts.elections.unclean),
    },
    gauge(
      'barnabas_metadata_applied_revision',
      'Revision of the metadata that this broker has applied.',
      emit => emit(image().revision),
    ),
  ]
}

function knownBrokers({ brokers, brokerStates }: MetadataImage): number {
  return new Set([...brokers.keys(), ...brokerStates.keys()]).size
}

function aliveBrokers(image: MetadataImage): number {
  return [...image.brokers.values()].filter(({ fenced }) => !fenced).length
}
