/** How a cluster is: the first board to look at. */
import { type Board, clusterVariables, graph, inCluster, ofBroker, query, stat } from './board.ts'

const traffic = 'kafka_server_brokertopicmetrics'
const requests = 'kafka_network_requestmetrics'
const replicas = 'kafka_server_replicamanager'
const controller = 'kafka_controller_kafkacontroller'

const rate = (metric: string, labels = ''): string =>
  `rate(${metric}{${ofBroker}${labels}}[$__rate_interval])`
const perBroker = (expression: string): string => `sum by (broker) (${expression})`

/** In the order in which a request goes through them. */
const partsOfRequests = {
  requestqueuetimems: 'waiting to be begun',
  localtimems: 'working',
  remotetimems: 'waiting for disk, brokers or data',
  responsequeuetimems: 'answer waiting for earlier ones',
  responsesendtimems: 'sending the answer',
} as const

export const clusterBoard: Board = {
  name: 'barnabas-cluster',
  title: 'Barnabas / Cluster',
  sentence: 'Health, traffic, latency, resources and metadata of one Kafka cluster.',
  scope: inCluster,
  variables: clusterVariables,
  rows: [
    {
      title: 'Health',
      panels: [
        stat('Brokers online', 'Brokers that are alive.', `max(kafka_brokers{${inCluster}})`),
        stat('Active controllers', 'Must be 1.', `sum(${controller}_activecontrollercount{${inCluster}})`, {
          bad: { otherThan: 1 },
        }),
        stat(
          'Offline partitions',
          'Partitions that nobody leads: they take and give nothing.',
          `max(${controller}_offlinepartitionscount{${inCluster}})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Under minimum in-sync replicas',
          'Partitions that refuse acks=all.',
          `sum(${replicas}_underminisrpartitioncount{${inCluster}})`,
          { bad: { from: 1 } },
        ),
        stat(
          'At minimum in-sync replicas',
          'Partitions that would refuse acks=all with one broker less.',
          `sum(${replicas}_atminisrpartitioncount{${inCluster}})`,
        ),
        stat(
          'Under-replicated partitions',
          'Partitions with fewer replicas in sync than they have.',
          `sum(${replicas}_underreplicatedpartitions{${inCluster}})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Replicas online',
          'Replicas on brokers that answer.',
          `sum(${replicas}_partitioncount{${inCluster}}) - sum(${replicas}_offlinereplicacount{${inCluster}})`,
        ),
        stat(
          'Unclean elections, last day',
          'Leaders that may lack acknowledged records.',
          `sum(increase(kafka_controller_controllerstats_uncleanleaderelections_total{${inCluster}}[1d]))`,
          { bad: { from: 1 } },
        ),
        stat(
          'Failed log directories',
          'Disks whose replicas are offline.',
          `sum(kafka_log_logmanager_offlinelogdirectorycount{${inCluster}})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Least free disk',
          'Free bytes of the fullest disk.',
          `min(barnabas_storage_disk_free_bytes{${inCluster}})`,
          { unit: 'bytes' },
        ),
      ],
    },
    {
      title: 'Traffic',
      panels: [
        graph('Bytes in', 'Record batches appended by clients.', 'Bps', [
          query(perBroker(rate(`${traffic}_bytesin_total`, ',topic=""')), 'broker {{broker}}'),
        ]),
        graph('Bytes out', 'Record batches fetched by consumers.', 'Bps', [
          query(perBroker(rate(`${traffic}_bytesout_total`, ',topic=""')), 'broker {{broker}}'),
        ]),
        graph('Replication', 'Bytes that followers fetch, and that they are given.', 'Bps', [
          query(perBroker(rate(`${traffic}_replicationbytesin_total`)), 'broker {{broker}} in'),
          query(perBroker(rate(`${traffic}_replicationbytesout_total`)), 'broker {{broker}} out'),
        ]),
        graph('Records in', 'Records appended by clients.', 'wps', [
          query(perBroker(rate(`${traffic}_messagesin_total`, ',topic=""')), 'broker {{broker}}'),
        ]),
        graph('Topics with the most bytes in', 'The ten largest.', 'Bps', [
          query(`topk(10, sum by (topic) (${rate(`${traffic}_bytesin_total`, ',topic!=""')}))`, '{{topic}}'),
        ]),
        graph('Produce and fetch requests', 'Requests of clients and followers.', 'reqps', [
          query(`sum(${rate(`${traffic}_totalproducerequests_total`)})`, 'produce'),
          query(`sum(${rate(`${traffic}_totalfetchrequests_total`)})`, 'fetch'),
        ]),
        graph('Refused partitions', 'Partitions that were refused in produce and fetch requests.', 'ops', [
          query(`sum(${rate(`${traffic}_failedproducerequests_total`)})`, 'produce'),
          query(`sum(${rate(`${traffic}_failedfetchrequests_total`)})`, 'fetch'),
        ]),
        graph(
          'Errors in answers',
          'By request and error. Some are how clients learn: NOT_LEADER_OR_FOLLOWER after an election.',
          'ops',
          [query(`sum by (request, error) (${rate(`${requests}_errors_total`)})`, '{{request}} {{error}}')],
        ),
        graph('Connections', 'Open connections by listener.', 'short', [
          query(
            `sum by (listener) (kafka_server_socket_server_metrics_connection_count{${ofBroker}})`,
            '{{listener}}',
          ),
        ]),
        graph('Clients', 'Open connections by the software of clients and its version.', 'short', [
          query(
            `sum by (client_software_name, client_software_version) (kafka_server_socket_server_metrics_connections{${ofBroker}})`,
            '{{client_software_name}} {{client_software_version}}',
          ),
        ]),
        graph('New connections', 'Clients that do not keep theirs cost much.', 'cps', [
          query(
            `sum by (listener) (${rate('kafka_server_socket_server_metrics_connection_creation_total')})`,
            '{{listener}}',
          ),
        ]),
        graph('Requests in work', 'Requests that were started and are not answered yet.', 'short', [
          query(perBroker(`kafka_network_requestchannel_requestqueuesize{${ofBroker}}`), 'broker {{broker}}'),
        ]),
      ],
    },
    {
      title: 'Latency',
      panels: [
        ...(['Produce', 'Fetch'] as const).map(request =>
          graph(
            `${request} latency`,
            `From the arrival of a request until its answer was written${request === 'Fetch' ? '; with the wait for data' : ''}.`,
            's',
            [0.5, 0.95, 0.99, 0.999].map(quantile =>
              query(
                `histogram_quantile(${quantile}, sum by (le) (${rate('barnabas_kafka_request_latency_seconds_bucket', `,request="${request}"`)}))`,
                `p${quantile * 100}`,
              ),
            ),
          ),
        ),
        graph('99th percentile by request', 'Every API that is asked.', 's', [
          query(
            `histogram_quantile(0.99, sum by (le, request) (${rate('barnabas_kafka_request_latency_seconds_bucket')}))`,
            '{{request}}',
          ),
        ]),
        ...(['Produce', 'Fetch'] as const).map(request =>
          graph(
            `Where ${request.toLowerCase()} requests spend time`,
            'The 99th percentile of each part, of the slowest broker, over the last minutes.',
            'ms',
            Object.entries(partsOfRequests).map(([part, does]) =>
              query(`max(${requests}_${part}{${ofBroker},request="${request}",quantile="0.99"})`, does),
            ),
          ),
        ),
        graph(
          'In-sync sets',
          'Replicas that left and came back. Leaving is a sign of slow disks or networks.',
          'ops',
          [
            query(`sum(${rate(`${replicas}_isrshrinks_total`)})`, 'left'),
            query(`sum(${rate(`${replicas}_isrexpands_total`)})`, 'came back'),
          ],
        ),
        graph('Replication lag', 'Records that the furthest follower is behind.', 'short', [
          query(
            `max by (broker) (kafka_server_replicafetchermanager_maxlag{${ofBroker}})`,
            'broker {{broker}}',
          ),
        ]),
        graph('Fetch sessions', 'Kept for clients; evictions mean that there are too few.', 'short', [
          query(
            perBroker(`kafka_server_fetchsessioncache_numincrementalfetchsessions{${ofBroker}}`),
            'broker {{broker}}',
          ),
          query(
            `sum(${rate('kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total')})`,
            'evictions a second',
          ),
        ]),
      ],
    },
    {
      title: 'Resources',
      panels: [
        graph('CPU', 'Cores in use. One does network, append and fetch.', 'short', [
          query(perBroker(rate('process_cpu_seconds_total')), 'broker {{broker}}'),
        ]),
        graph('Memory', 'Resident, and JavaScript heap in use.', 'bytes', [
          query(`max by (broker) (process_resident_memory_bytes{${ofBroker}})`, 'broker {{broker}} resident'),
          query(`max by (broker) (nodejs_heap_size_used_bytes{${ofBroker}})`, 'broker {{broker}} heap'),
        ]),
        graph('Event loop', 'How late the one thread comes to things: 99th percentile.', 's', [
          query(`max by (broker) (nodejs_eventloop_lag_p99_seconds{${ofBroker}})`, 'broker {{broker}}'),
        ]),
        graph('Idle', 'Share of time in which the one thread waits for something to do.', 'percentunit', [
          query(
            `min by (broker) (kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent{${ofBroker}})`,
            'broker {{broker}}',
          ),
        ]),
        graph('Garbage collection', 'Share of time spent in it.', 'percentunit', [
          query(perBroker(rate('nodejs_gc_duration_seconds_sum')), 'broker {{broker}}'),
        ]),
        graph('Active handles', 'Sockets, files, timers and requests that the process holds open.', 'short', [
          query(`max by (broker) (nodejs_active_resources_total{${ofBroker}})`, 'broker {{broker}}'),
        ]),
        graph('Open files', 'Of what is allowed.', 'percentunit', [
          query(
            `max by (broker) (process_open_fds{${ofBroker}} / process_max_fds{${ofBroker}})`,
            'broker {{broker}}',
          ),
        ]),
        graph('Free disk', 'By broker and directory.', 'bytes', [
          query(
            `min by (broker, path) (barnabas_storage_disk_free_bytes{${ofBroker}})`,
            'broker {{broker}} {{path}}',
          ),
        ]),
        graph(
          'Free disk in four hours',
          'If it goes on as in the last hour; at nothing the disk is full.',
          'bytes',
          [
            query(
              `clamp_min(min by (broker, path) (predict_linear(barnabas_storage_disk_free_bytes{${ofBroker}}[1h], 4 * 3600)), 0)`,
              'broker {{broker}} {{path}}',
            ),
          ],
        ),
        graph('Log size', 'Bytes in logs.', 'bytes', [
          query(perBroker(`kafka_log_log_size{${ofBroker}}`), 'broker {{broker}}'),
        ]),
        graph('Memory for requests', 'Half-received requests, requests in work, unsent answers.', 'bytes', [
          query(perBroker(`barnabas_network_memory_used_bytes{${ofBroker}}`), 'broker {{broker}}'),
        ]),
        graph('Compaction', 'The largest part of a log that is not compacted.', 'percent', [
          query(
            `max by (broker) (kafka_log_logcleanermanager_max_dirty_percent{${ofBroker}})`,
            'broker {{broker}}',
          ),
        ]),
      ],
    },
    {
      title: 'Controller and metadata',
      panels: [
        graph('Controller', 'Which broker it is.', 'short', [
          query(`max by (broker) (${controller}_activecontrollercount{${inCluster}})`, 'broker {{broker}}'),
        ]),
        graph('Controller epoch', 'Grows with each election of a controller.', 'short', [
          query(`max by (broker) (barnabas_controller_epoch{${ofBroker}})`, 'broker {{broker}}'),
        ]),
        graph('Lease renewals', 'A broker that renews none is fenced when its lease runs out.', 'ops', [
          query(
            perBroker(rate('barnabas_etcd_request_latency_seconds_count', ',operation="lease-renew"')),
            'broker {{broker}}',
          ),
        ]),
        graph('Elections', 'Leaders elected.', 'ops', [
          query(
            `sum(rate(kafka_controller_controllerstats_leaderelections_total{${inCluster}}[$__rate_interval]))`,
            'elections',
          ),
        ]),
        graph('Leaders', 'Partitions that each broker leads.', 'short', [
          query(`max by (broker) (${replicas}_leadercount{${ofBroker}})`, 'broker {{broker}}'),
        ]),
        graph('Not led by their preferred replica', 'Load is uneven while there are some.', 'short', [
          query(`max(${controller}_preferredreplicaimbalancecount{${inCluster}})`, 'partitions'),
        ]),
        graph('Fenced brokers', 'Registered, and kept away from clients.', 'short', [
          query(`max(${controller}_fencedbrokercount{${inCluster}})`, 'brokers'),
        ]),
        graph(
          'Metadata lag',
          'Revisions of the metadata that a broker knows of and has not applied.',
          'short',
          [query(`max by (broker) (barnabas_metadata_revision_lag{${ofBroker}})`, 'broker {{broker}}')],
        ),
        graph('etcd as brokers see it', '99th percentile of requests.', 's', [
          query(
            `histogram_quantile(0.99, sum by (le, operation) (${rate('barnabas_etcd_request_latency_seconds_bucket')}))`,
            '{{operation}}',
          ),
        ]),
        graph(
          'Failed requests to etcd',
          'By operation. Some are lost elections; many are an etcd in trouble.',
          'ops',
          [query(`sum(${rate('barnabas_etcd_request_failures_total')})`, 'failures')],
          'a cluster whose etcd was never away has none',
        ),
        graph('etcd disk', 'Time to make its log durable, 99th percentile. Above 10 ms is slow.', 's', [
          query(
            `histogram_quantile(0.99, sum by (le, member) (rate(etcd_disk_wal_fsync_duration_seconds_bucket{${inCluster}}[$__rate_interval])))`,
            'member {{member}}',
          ),
        ]),
        graph('etcd size', 'Database as allocated and as used.', 'bytes', [
          query(`max by (member) (etcd_mvcc_db_total_size_in_bytes{${inCluster}})`, 'member {{member}}'),
          query(
            `max by (member) (etcd_mvcc_db_total_size_in_use_in_bytes{${inCluster}})`,
            'member {{member}} in use',
          ),
        ]),
        graph('etcd leader changes', 'In the last hour.', 'short', [
          query(`max(increase(etcd_server_leader_changes_seen_total{${inCluster}}[1h]))`, 'changes'),
        ]),
      ],
    },
  ],
}
