/** The resource `Cluster` (barnabas.dev/v1): a Kafka cluster. An empty spec is valid. Declared once, here. */
import * as z from 'zod'
import { brokers } from './cluster-brokers.ts'
import { etcd } from './cluster-etcd.ts'
import { listener } from './cluster-listener.ts'
import { clusterStatus } from './cluster-status.ts'
import {
  duration,
  field,
  group,
  integer,
  labels,
  onKubernetes,
  optionalGroup,
  quantity,
  schedule,
  textMap,
} from './field.ts'
import { metadata } from './metadata.ts'
import { ownedPrefixes, ownedSettings } from './owned-settings.ts'

export const apiVersion = 'barnabas.dev/v1'

export const clusterSpec = group({
  version: onKubernetes(
    z.string().min(1).max(50).optional(),
    'Version of the brokers; unset: that of the operator. Restart: yes.',
  ),
  image: onKubernetes(
    z.string().min(1).max(500).optional(),
    'Image of the brokers, instead of the one of the version. Restart: yes.',
  ),
  brokers: field(brokers, 'The brokers.'),
  etcd,
  listeners: field(
    z
      .array(listener)
      .min(1, 'must have at least one')
      .max(8, 'must have at most 8')
      .prefault([{ name: 'internal', port: 9092 }]),
    'Where clients connect. Names and ports are different. Restart: yes.',
    'honoured',
    {
      rules: [
        {
          rule: 'self.all(one, self.exists_one(other, other.port == one.port))',
          message: 'must have different ports',
        },
        {
          rule: "self.all(one, !(one.name in ['brokers', 'control', 'http']))",
          message: 'must not be named brokers, control or http, which are names of other ports',
        },
        {
          rule: 'self.all(one, !(one.port in [9090, 9091, 9404]))',
          message: 'must not use 9090, 9091 and 9404, which brokers use among themselves and for monitoring',
        },
        {
          rule: "self.all(one, !has(one.sourceRanges) || one.type == 'LoadBalancer')",
          message:
            'must have sourceRanges only with type LoadBalancer, for nothing else heeds them; allowFrom with an ipBlock does for others',
        },
      ],
    },
  ),
  config: field(
    textMap(200).default({}),
    "Settings of the brokers by Kafka's names, other than those that have a field here. Restart: as Kafka does.",
    'honoured',
    {
      rules: [
        {
          rule: `[${ownedSettings.map(name => `'${name}'`).join(', ')}].all(name, !(name in self))`,
          message:
            'has settings that have a field of their own or follow from the rest of the Cluster; remove them',
        },
        {
          rule: `self.all(name, [${ownedPrefixes.map(name => `'${name}'`).join(', ')}].all(prefix, !name.startsWith(prefix)))`,
          message: `must not have settings that begin with ${ownedPrefixes.join(' ')}; they follow from the rest of the Cluster`,
        },
      ],
    },
  ),
  topicDefaults: field(
    group({
      partitions: field(
        integer(1, 10_000).default(1),
        'Partitions of a topic that does not say. Restart: no.',
      ),
      replicationFactor: field(
        integer(1, 100).optional(),
        'Replicas of a topic that does not say; unset: 3, or as many as there are brokers. Restart: no.',
      ),
      minInsyncReplicas: field(
        integer(1, 100).optional(),
        'Replicas that must have a record before it counts; unset: one less than the replicas. Restart: no.',
      ),
      autoCreate: field(
        z.boolean('must be true or false').default(false),
        'Clients create topics by using them. Restart: no.',
      ),
    }),
    'What topics are like that do not say. Restart: no.',
  ),
  topicPolicy: onKubernetes(
    group({
      namespaces: onKubernetes(
        group({
          from: onKubernetes(
            z.enum(['Same', 'Selector', 'All'], 'must be Same, Selector or All').default('Same'),
            'Which namespaces may have Topics in this cluster.',
          ),
          selector: onKubernetes(
            optionalGroup({
              matchLabels: onKubernetes(labels().optional(), 'Labels that they have.'),
            }),
            'Which namespaces, when from is Selector.',
          ),
        }),
        'Namespaces that may have Topics here.',
        {
          rules: [
            {
              rule: "(self.from == 'Selector') == has(self.selector)",
              message: 'must have a selector if, and only if, from is Selector',
            },
          ],
        },
      ),
      requirePrefix: onKubernetes(
        z.enum(['None', 'Namespace'], 'must be None or Namespace').default('None'),
        'Whether names of topics begin with their namespace and a point.',
      ),
      maxPartitionsPerNamespace: onKubernetes(
        integer(1, 1_000_000).optional(),
        'Partitions that the Topics of one namespace may have together; unset: any number.',
      ),
    }),
    'Who may have Topics here. Restart: no.',
  ),
  rollout: onKubernetes(
    group({
      mode: onKubernetes(
        z
          .enum(['Automatic', 'Approve', 'OnDelete'], 'must be Automatic, Approve or OnDelete')
          .default('Automatic'),
        'When brokers and members of etcd are restarted for a change: by itself, once the plan is approved, or never but when their pods are deleted.',
      ),
      maxUnavailable: onKubernetes(
        integer(1, 100).default(1),
        'Brokers restarted at once. Only 1 in this version.',
        { rules: [{ rule: 'self == 1', message: 'must be 1: this version restarts one broker at a time' }] },
      ),
      windows: onKubernetes(
        z
          .array(
            z.strictObject({
              schedule: onKubernetes(schedule(), 'When it opens.'),
              duration: onKubernetes(duration(), 'How long it is open.'),
            }),
          )
          .max(20)
          .optional(),
        'Times in which restarts may happen.',
        { later: 'all', instead: 'remove it; with mode Approve restarts wait for your word' },
      ),
      brokerTimeoutSeconds: onKubernetes(
        integer(30, 86_400).default(900),
        'Time one broker has to come back.',
      ),
    }),
    'How changes reach the brokers. Restart: no.',
  ),
  scaling: onKubernetes(
    group({
      onScaleUp: onKubernetes(
        z.enum(['Rebalance', 'None'], 'must be Rebalance or None').default('Rebalance'),
        'Whether replicas move to new brokers.',
      ),
      throttleBytesPerSecond: onKubernetes(
        quantity().optional(),
        'Speed limit of such moves, of each broker in and out; more than what is produced meanwhile, or they never end.',
      ),
    }),
    'What happens when the number of brokers changes. Restart: no.',
  ),
  logging: field(
    group({
      level: field(
        z
          .enum(['error', 'warn', 'info', 'debug', 'trace'], 'must be error, warn, info, debug or trace')
          .default('info'),
        'Least severe events that are logged. Restart: no.',
      ),
      categories: field(textMap(50).optional(), 'Levels of parts of the broker.', 'later', {
        later: 'all',
        instead: 'remove it; level holds for all of them',
      }),
    }),
    'What is logged. Restart: no.',
  ),
  monitoring: onKubernetes(
    group({
      podMonitor: onKubernetes(
        group({
          enabled: onKubernetes(z.boolean('must be true or false').default(false), 'Whether there is one.', {
            later: [true],
            instead: 'set podMonitor.enabled of the chart, which is about all clusters',
          }),
          labels: onKubernetes(labels().optional(), 'Its labels.'),
        }),
        'PodMonitor for Prometheus; so far the chart has one for all clusters.',
      ),
      rules: onKubernetes(
        group({
          enabled: onKubernetes(z.boolean('must be true or false').default(false), 'Whether there are.', {
            later: [true],
            instead: 'set prometheusRule.enabled of the chart, which is about all clusters',
          }),
        }),
        'Alerts for Prometheus; so far the chart has them for all clusters.',
      ),
      dashboards: onKubernetes(
        group({
          enabled: onKubernetes(z.boolean('must be true or false').default(false), 'Whether there are.', {
            later: [true],
            instead: 'set dashboards.enabled of the chart, which is about all clusters',
          }),
        }),
        'Dashboards for Grafana; so far the chart has them for all clusters.',
      ),
    }),
    'Objects for monitoring. Restart: no.',
  ),
  networkPolicy: onKubernetes(
    group({
      enabled: onKubernetes(z.boolean('must be true or false').default(true), 'Whether there is one.'),
    }),
    'NetworkPolicy around the brokers. Restart: no.',
  ),
  state: onKubernetes(
    z.enum(['Running', 'Hibernated', 'Paused'], 'must be Running, Hibernated or Paused').default('Running'),
    'Hibernated: no brokers, data kept. Paused: the operator changes nothing. Restart: no.',
    { later: ['Hibernated'], instead: 'leave it Running' },
  ),
  deletionProtection: onKubernetes(
    z.boolean('must be true or false').default(true),
    'Whether the Cluster cannot be deleted. Restart: no.',
  ),
})

export const cluster = z.strictObject({
  apiVersion: z.literal(apiVersion, `must be ${apiVersion}`),
  kind: z.literal('Cluster'),
  metadata,
  spec: field(clusterSpec, 'What the cluster is to be. Restart: as its fields say.', 'honoured', {
    rules: [
      {
        rule: 'self.networkPolicy.enabled || !self.listeners.exists(one, has(one.allowFrom))',
        message:
          'networkPolicy.enabled must be true while a listener has allowFrom, or everybody would be let in',
      },
      {
        rule: '!has(self.topicDefaults.replicationFactor) || self.topicDefaults.replicationFactor <= self.brokers.replicas',
        message: 'topicDefaults.replicationFactor must be at most brokers.replicas',
      },
      {
        rule:
          '!has(self.topicDefaults.minInsyncReplicas) || self.topicDefaults.minInsyncReplicas == 1 || ' +
          'self.topicDefaults.minInsyncReplicas < (has(self.topicDefaults.replicationFactor) ? ' +
          'self.topicDefaults.replicationFactor : (self.brokers.replicas < 3 ? self.brokers.replicas : 3))',
        message:
          'topicDefaults.minInsyncReplicas must be less than the number of replicas, or no broker could stop',
      },
    ],
  }),
  status: clusterStatus.optional(),
})

export type Cluster = z.output<typeof cluster>
