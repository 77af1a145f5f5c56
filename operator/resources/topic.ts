/** The resource `Topic` (barnabas.dev/v1): a topic of a Cluster. Only `clusterRef.name` is needed. Declared once, here. */
import * as z from 'zod'
import { apiVersion } from './cluster.ts'
import {
  duration,
  field,
  integer,
  objectName,
  onKubernetes,
  optionalGroup,
  parseDuration,
  parseQuantity,
  quantity,
  textOrNumberMap,
} from './field.ts'
import { metadata } from './metadata.ts'
import { topicStatus } from './topic-status.ts'

const topicName = () =>
  z
    .string('must be the name of a topic')
    .regex(
      /^[a-zA-Z0-9._-]{1,249}$/,
      'must be of letters, digits, points, hyphens and underscores, at most 249',
    )
    .refine(name => name !== '.' && name !== '..', 'must not be "." or ".."')

/** Field → the setting of Kafka that it stands for, so that both cannot be given. */
export const settingOfField: readonly (readonly [path: readonly string[], setting: string])[] = [
  [['retention', 'time'], 'retention.ms'],
  [['retention', 'bytes'], 'retention.bytes'],
  [['cleanupPolicy'], 'cleanup.policy'],
  [['minInsyncReplicas'], 'min.insync.replicas'],
  [['compression'], 'compression.type'],
]

export const topicSpec = z.strictObject(
  {
    clusterRef: field(
      z.strictObject(
        {
          name: field(objectName(), 'Name of the Cluster.'),
          namespace: onKubernetes(objectName().optional(), 'Its namespace; unset: the same.'),
        },
        'must be there, with the name of a Cluster',
      ),
      'The cluster that has the topic. Immutable.',
      'honoured',
      { immutable: true },
    ),
    topicName: field(topicName().optional(), 'Name in Kafka; unset: metadata.name. Immutable.', 'honoured', {
      immutable: true,
      rules: [{ rule: "self != '.' && self != '..'", message: 'must not be "." or ".."' }],
    }),
    partitions: field(
      integer(1, 10_000).optional(),
      'Number of partitions; it can only grow. Unset: the default of the cluster, then left alone.',
      'honoured',
      {
        rules: [
          {
            rule: 'self >= oldSelf',
            message: 'partitions cannot become fewer, because records would be lost; make another Topic',
          },
        ],
      },
    ),
    replicationFactor: field(
      integer(1, 100).optional(),
      'Number of replicas. Unset: the default of the cluster.',
    ),
    retention: field(
      optionalGroup({
        time: field(duration().optional(), 'Age at which records go (retention.ms).'),
        bytes: field(
          quantity().optional(),
          'Size of a partition at which the oldest records go (retention.bytes).',
        ),
      }),
      'When records go.',
    ),
    cleanupPolicy: field(
      z.enum(['Delete', 'Compact', 'CompactDelete'], 'must be Delete, Compact or CompactDelete').optional(),
      'How records go (cleanup.policy).',
    ),
    minInsyncReplicas: field(
      integer(1, 100).optional(),
      'Replicas that must have a record before it counts (min.insync.replicas).',
    ),
    compression: field(
      z
        .enum(
          ['Producer', 'Uncompressed', 'Gzip', 'Snappy', 'Lz4', 'Zstd'],
          'must be Producer, Uncompressed, Gzip, Snappy, Lz4 or Zstd',
        )
        .optional(),
      'How batches are stored (compression.type).',
    ),
    config: field(
      textOrNumberMap(100).default({}),
      "Settings by Kafka's names, other than those that have a field here.",
    ),
    reclaimPolicy: onKubernetes(
      z.enum(['Retain', 'Delete'], 'must be Retain or Delete').default('Retain'),
      'What becomes of the topic when the Topic is deleted.',
    ),
    adoptionPolicy: onKubernetes(
      z.enum(['Never', 'IfMatching', 'Always'], 'must be Never, IfMatching or Always').default('IfMatching'),
      'Whether a topic that is there already is taken over.',
    ),
    driftPolicy: field(
      z.enum(['Enforce', 'Report'], 'must be Enforce or Report').default('Enforce'),
      'Whether differences are undone or only told.',
    ),
    deletionProtection: onKubernetes(
      z.boolean('must be true or false').default(false),
      'Whether the Topic cannot be deleted.',
    ),
  },
  'must be there, with clusterRef',
)

export const topic = z.strictObject({
  apiVersion: z.literal(apiVersion, `must be ${apiVersion}`),
  kind: z.literal('Topic'),
  metadata,
  spec: field(topicSpec, 'What the topic is to be. Restart: no.', 'honoured', {
    rules: [
      ...settingOfField.map(([path, setting]) => ({
        rule: `!(${path.map((_, index) => `has(self.${path.slice(0, index + 1).join('.')})`).join(' && ')} && '${setting}' in self.config)`,
        message: `${setting} must not be given twice: it is ${path.join('.')} already`,
      })),
      {
        rule: '!has(self.minInsyncReplicas) || !has(self.replicationFactor) || self.minInsyncReplicas <= self.replicationFactor',
        message: 'minInsyncReplicas must be at most replicationFactor',
      },
    ],
  }),
  status: topicStatus.optional(),
})

export type Topic = z.output<typeof topic>

const cleanupPolicies = { Delete: 'delete', Compact: 'compact', CompactDelete: 'compact,delete' } as const

/** Its name in Kafka. */
export function nameOfTopic({ metadata: { name }, spec }: Topic): string {
  return spec.topicName ?? name
}

/** The overrides that the manifest asks for, by Kafka's names. */
export function settingsOfTopic({ spec }: Topic): ReadonlyMap<string, string> {
  const settings = new Map(Object.entries(spec.config))
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) settings.set(name, String(value))
  }
  set('retention.ms', spec.retention?.time === undefined ? undefined : parseDuration(spec.retention.time))
  set(
    'retention.bytes',
    spec.retention?.bytes === undefined ? undefined : parseQuantity(spec.retention.bytes),
  )
  set('cleanup.policy', spec.cleanupPolicy === undefined ? undefined : cleanupPolicies[spec.cleanupPolicy])
  set('min.insync.replicas', spec.minInsyncReplicas)
  set('compression.type', spec.compression?.toLowerCase())
  return settings
}
