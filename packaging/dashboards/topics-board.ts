/** Topics and consumer groups of a cluster. */
import { type Board, clusterVariables, graph, inCluster, query, stat } from './board.ts'

const ofTopic = `${inCluster},topic=~"$topic"`
const ofGroup = `${inCluster},consumergroup=~"$group"`
const traffic = 'kafka_server_brokertopicmetrics'

/** Every broker tells of all partitions; they are counted once. */
const once = (metric: string): string => `max by (topic, partition) (${metric}{${ofTopic}})`
const perTopic = (expression: string): string => `sum by (topic) (${expression})`
const rate = (metric: string, labels: string): string => `rate(${metric}{${labels}}[$__rate_interval])`

export const topicsBoard: Board = {
  name: 'barnabas-topics',
  title: 'Barnabas / Topics and groups',
  sentence: 'Partitions, replicas, traffic and sizes of topics; positions and lag of consumer groups.',
  scope: inCluster,
  variables: [
    ...clusterVariables.filter(({ name }) => name !== 'broker'),
    {
      name: 'topic',
      label: 'Topic',
      metric: `kafka_topic_partitions{${inCluster}}`,
      from: 'topic',
      many: true,
    },
    {
      name: 'group',
      label: 'Group',
      metric: `kafka_consumergroup_members{${inCluster}}`,
      from: 'consumergroup',
      many: true,
    },
  ],
  rows: [
    {
      title: 'Topics',
      panels: [
        stat('Topics', 'Topics chosen above.', `count(max by (topic) (kafka_topic_partitions{${ofTopic}}))`),
        stat('Partitions', 'Of these topics.', `sum(max by (topic) (kafka_topic_partitions{${ofTopic}}))`),
        stat('Replicas', 'Of these partitions.', `sum(${once('kafka_topic_partition_replicas')})`),
        stat(
          'Replicas not in sync',
          'Should be 0.',
          `sum(${once('kafka_topic_partition_replicas')}) - sum(${once('kafka_topic_partition_in_sync_replica')})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Under minimum in-sync replicas',
          'Partitions that refuse acks=all.',
          `sum(${once('kafka_cluster_partition_underminisr')})`,
          { bad: { from: 1 } },
        ),
        stat(
          'Not led by their preferred replica',
          'Load is uneven while there are some.',
          `count(${once('kafka_topic_partition_leader_is_preferred')} == 0) or vector(0)`,
        ),
        graph('Bytes in', 'Record batches appended by clients.', 'Bps', [
          query(perTopic(rate(`${traffic}_bytesin_total`, ofTopic)), '{{topic}}'),
        ]),
        graph('Bytes out', 'Record batches fetched by consumers.', 'Bps', [
          query(perTopic(rate(`${traffic}_bytesout_total`, ofTopic)), '{{topic}}'),
        ]),
        graph('Records in', 'Records appended by clients.', 'wps', [
          query(perTopic(rate(`${traffic}_messagesin_total`, ofTopic)), '{{topic}}'),
        ]),
        graph('Size', 'Bytes on all brokers together.', 'bytes', [
          query(perTopic(`kafka_log_log_size{${ofTopic}}`), '{{topic}}'),
        ]),
        graph('Records kept', 'From the first offset to the high watermark.', 'short', [
          query(
            perTopic(
              `${once('kafka_topic_partition_current_offset')} - ${once('kafka_topic_partition_oldest_offset')}`,
            ),
            '{{topic}}',
          ),
        ]),
        graph('Under-replicated partitions', 'By topic.', 'short', [
          query(perTopic(once('kafka_topic_partition_under_replicated_partition')), '{{topic}}'),
        ]),
      ],
    },
    {
      title: 'Groups',
      panels: [
        stat(
          'Groups',
          'Groups chosen above.',
          `count(max by (consumergroup) (kafka_consumergroup_members{${ofGroup}}))`,
        ),
        stat(
          'Members',
          'Consumers in these groups.',
          `sum(max by (consumergroup) (kafka_consumergroup_members{${ofGroup}}))`,
        ),
        graph('Groups by state', 'Classic and newer ones.', 'short', [
          query(`sum by (type, state) (barnabas_groups{${inCluster}})`, '{{type}} {{state}}'),
        ]),
        graph('Lag', 'Records between the position of a group and the high watermark.', 'short', [
          query(
            `sum by (consumergroup, topic) (max by (consumergroup, topic, partition) (kafka_consumergroup_lag{${ofGroup},topic=~"$topic"}))`,
            '{{consumergroup}} {{topic}}',
          ),
        ]),
        graph('Lag in time', 'How long ago the record at the position of a group was written.', 's', [
          query(
            `max by (consumergroup, topic) (kafka_consumergroup_lag_seconds{${ofGroup},topic=~"$topic"})`,
            '{{consumergroup}} {{topic}}',
          ),
        ]),
        graph('Partitions with the most lag', 'The ten furthest behind.', 'short', [
          query(
            `topk(10, max by (consumergroup, topic, partition) (kafka_consumergroup_lag{${ofGroup},topic=~"$topic"}))`,
            '{{consumergroup}} {{topic}} {{partition}}',
          ),
        ]),
        graph('Consumed', 'Records a second by which committed positions move.', 'wps', [
          query(
            `sum by (consumergroup) (max by (consumergroup, topic, partition) (rate(kafka_consumergroup_current_offset{${ofGroup},topic=~"$topic"}[$__rate_interval])))`,
            '{{consumergroup}}',
          ),
        ]),
        graph('Members by group', 'A line that jumps is a group that rebalances.', 'short', [
          query(`max by (consumergroup) (kafka_consumergroup_members{${ofGroup}})`, '{{consumergroup}}'),
        ]),
        graph('Positions kept', 'By coordinator.', 'short', [
          query(
            `sum by (broker) (kafka_coordinator_group_groupmetadatamanager_numoffsets{${inCluster}})`,
            'broker {{broker}}',
          ),
        ]),
      ],
    },
  ],
}
