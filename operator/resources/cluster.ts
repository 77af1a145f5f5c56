/** The resource `Cluster` (barnabas.dev/v1): a Kafka cluster. An empty spec is valid. Declared once, here. */
import * as z from 'zod'
import {
  duration,
  field,
  group,
  integer,
  kubernetesObject,
  objectName,
  onKubernetes,
  optionalGroup,
  quantity,
  textMap,
} from './field.ts'
import { metadata } from './metadata.ts'

export const apiVersion = 'barnabas.dev/v1'

const labels = (): z.ZodType<Readonly<Record<string, string>>> => textMap(100)
const secretRef = () => optionalGroup({ name: field(objectName(), 'Name of the Secret.', 'kubernetes') })
const schedule = (): z.ZodString =>
  z
    .string('must be a schedule such as "0 3 * * *"')
    .regex(/^(\S+\s+){4}\S+$/, 'must be a cron schedule of five fields')

const storage = group({
  type: field(
    z.enum(['Persistent', 'Ephemeral'], 'must be Persistent or Ephemeral').default('Persistent'),
    'Whether data outlives the brokers. Immutable.',
  ),
  size: onKubernetes(quantity().default('10Gi'), 'Size of each volume; it can only grow. Restart: no.'),
  storageClassName: onKubernetes(z.string().optional(), 'Storage class of the volumes. Immutable.'),
  reclaimPolicy: onKubernetes(
    z.enum(['Retain', 'Delete'], 'must be Retain or Delete').default('Retain'),
    'What becomes of the volumes when the Cluster is deleted. Restart: no.',
  ),
  autoGrow: onKubernetes(
    optionalGroup({
      maxSize: onKubernetes(quantity(), 'Largest size.'),
      atPercent: onKubernetes(integer(50, 95).default(80), 'Grows when so much is used.'),
      stepPercent: onKubernetes(integer(5, 100).default(20), 'Grows by so much of its size.'),
    }),
    'Grows volumes that fill up. Restart: no.',
  ),
})

const template = optionalGroup({
  labels: onKubernetes(labels().optional(), 'Labels of the pods. Restart: yes.'),
  annotations: onKubernetes(labels().optional(), 'Annotations of the pods. Restart: yes.'),
  nodeSelector: onKubernetes(labels().optional(), 'Labels that nodes must have. Restart: yes.'),
  tolerations: onKubernetes(
    z.array(kubernetesObject()).optional(),
    'Taints that are tolerated. Restart: yes.',
  ),
  affinity: onKubernetes(kubernetesObject().optional(), 'Which pods and nodes to be near to. Restart: yes.'),
  topologySpreadConstraints: onKubernetes(
    z.array(kubernetesObject()).optional(),
    'How pods spread over nodes. Restart: yes.',
  ),
  priorityClassName: onKubernetes(z.string().optional(), 'Priority of the pods. Restart: yes.'),
  securityContext: onKubernetes(kubernetesObject().optional(), 'Rights of the pods. Restart: yes.'),
  env: field(
    z
      .array(
        z.strictObject({
          name: field(z.string('must be the name of a variable').min(1), 'Name of the variable.'),
          value: field(z.string('must be text; put it in quotes').optional(), 'Its value.'),
          valueFrom: onKubernetes(kubernetesObject().optional(), 'Where its value is taken from.'),
        }),
      )
      .optional(),
    'Environment variables of the brokers. Restart: yes.',
  ),
  imagePullSecrets: onKubernetes(
    z.array(kubernetesObject()).optional(),
    'Secrets to pull the image. Restart: yes.',
  ),
  terminationGracePeriodSeconds: field(
    integer(1, 3600).default(120),
    'Time a broker has to stop cleanly. Restart: yes.',
  ),
})

const brokers = group({
  replicas: field(integer(1, 100).default(3), 'Number of brokers. Restart: no.'),
  resources: onKubernetes(kubernetesObject().optional(), 'CPU and memory of each broker. Restart: yes.'),
  storage: field(storage, 'Where data is kept.'),
  rack: onKubernetes(
    group({
      topologyKey: onKubernetes(
        z.string().default('topology.kubernetes.io/zone'),
        'Label of the nodes that says in which zone they are.',
      ),
    }),
    'Spreads replicas over zones. Restart: yes.',
  ),
  template: field(template, 'What the pods of brokers have besides.'),
})

const etcd = field(
  optionalGroup({
    managed: onKubernetes(
      optionalGroup({
        replicas: onKubernetes(
          z.union([z.literal(1), z.literal(3), z.literal(5)], 'must be 1, 3 or 5').default(3),
          'Number of members. Restart: no.',
        ),
        storage: onKubernetes(
          group({
            size: onKubernetes(quantity().default('4Gi'), 'Size of each volume.'),
            storageClassName: onKubernetes(z.string().optional(), 'Storage class of the volumes.'),
          }),
          'Where members keep their data.',
        ),
        backup: onKubernetes(
          optionalGroup({
            schedule: onKubernetes(schedule(), 'When snapshots are taken.'),
            keep: onKubernetes(integer(1, 1000).default(7), 'Number of snapshots kept.'),
          }),
          'Snapshots of etcd. Restart: no.',
        ),
      }),
      'An etcd that comes with the cluster.',
    ),
    endpoints: field(
      z
        .array(z.string('must be an address such as http://etcd:2379'))
        .min(1, 'must have at least one')
        .max(9)
        .optional(),
      'An etcd that is there already, http://host:port each.',
      'later',
    ),
    tlsSecretRef: onKubernetes(secretRef(), 'Secret with ca.crt, tls.crt and tls.key towards etcd.'),
    authSecretRef: onKubernetes(secretRef(), 'Secret with username and password towards etcd.'),
  }),
  'Where metadata is kept; managed or endpoints, never both. Immutable.',
)

const listener = z.strictObject({
  name: field(
    z
      .string('must be a name')
      .regex(/^[a-z][a-z0-9-]{0,24}$/, 'must be of lower case letters, digits and hyphens, at most 25'),
    'Name of the listener.',
  ),
  port: field(integer(1024, 65_535), 'Port of the listener. Restart: yes.'),
  type: onKubernetes(
    z
      .enum(
        ['Internal', 'NodePort', 'LoadBalancer', 'ClusterIP', 'TLSRoute'],
        'must be Internal, NodePort, LoadBalancer, ClusterIP or TLSRoute',
      )
      .default('Internal'),
    'How it is reached from outside the cluster. Restart: yes.',
  ),
  tls: field(
    group({
      mode: field(
        z
          .enum(
            ['Disabled', 'SelfSigned', 'Secret', 'Issuer'],
            'must be Disabled, SelfSigned, Secret or Issuer',
          )
          .default('Disabled'),
        'Where the certificate comes from.',
        'refused',
      ),
      secretRef: onKubernetes(secretRef(), 'Secret with tls.crt and tls.key.'),
      issuerRef: onKubernetes(kubernetesObject().optional(), 'Issuer of cert-manager.'),
    }),
    'Encryption. Restart: yes.',
  ),
  authentication: field(
    z.enum(['None', 'Scram', 'MutualTLS'], 'must be None, Scram or MutualTLS').default('None'),
    'How clients prove who they are. Restart: yes.',
    'refused',
  ),
  advertised: onKubernetes(
    optionalGroup({
      hostTemplate: onKubernetes(z.string().optional(), 'Host told to clients; {id} is the broker.'),
      portTemplate: onKubernetes(z.string().optional(), 'Port told to clients; {id} is the broker.'),
    }),
    'Address told to clients. Restart: yes.',
  ),
  annotations: onKubernetes(labels().optional(), 'Annotations of the Services. Restart: no.'),
  sourceRanges: onKubernetes(
    z.array(z.string()).max(100).optional(),
    'Networks that may connect. Restart: no.',
  ),
  allowFrom: onKubernetes(
    z.array(kubernetesObject()).max(100).optional(),
    'Peers that the NetworkPolicy lets in. Restart: no.',
  ),
})

export const clusterSpec = group({
  version: onKubernetes(
    z.string().optional(),
    'Version of the brokers; unset: that of the operator. Restart: yes.',
  ),
  image: onKubernetes(
    z.string().optional(),
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
    'Where clients connect. Names and ports are different.',
  ),
  config: field(
    textMap(200).default({}),
    "Settings of the brokers by Kafka's names, other than those that have a field here. Restart: as Kafka does.",
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
    'What topics are like that do not say.',
  ),
  topicPolicy: onKubernetes(
    group({
      namespaces: onKubernetes(
        group({
          from: onKubernetes(
            z.enum(['Same', 'Selector', 'All'], 'must be Same, Selector or All').default('Same'),
            'Which namespaces may have Topics in this cluster.',
          ),
          selector: onKubernetes(kubernetesObject().optional(), 'Labels of those namespaces.'),
        }),
        'Namespaces that may have Topics here. Restart: no.',
      ),
      requirePrefix: onKubernetes(
        z.enum(['None', 'Namespace'], 'must be None or Namespace').default('None'),
        'Whether names of topics begin with their namespace. Restart: no.',
      ),
      maxPartitionsPerNamespace: onKubernetes(
        integer(1, 1_000_000).optional(),
        'Partitions one namespace may have. Restart: no.',
      ),
    }),
    'Who may have Topics here.',
  ),
  rollout: onKubernetes(
    group({
      mode: onKubernetes(
        z
          .enum(['Automatic', 'Approve', 'OnDelete'], 'must be Automatic, Approve or OnDelete')
          .default('Automatic'),
        'When brokers are restarted for a change.',
      ),
      maxUnavailable: onKubernetes(
        integer(1, 100).default(1),
        'Brokers restarted at once; more than one only inside a rack.',
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
      throttleBytesPerSecond: onKubernetes(quantity().optional(), 'Speed limit of such moves.'),
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
      categories: field(textMap(50).optional(), 'Levels of parts of the broker. Restart: no.', 'later'),
    }),
    'What is logged.',
  ),
  monitoring: onKubernetes(
    group({
      podMonitor: onKubernetes(
        group({
          enabled: onKubernetes(z.boolean('must be true or false').default(false), 'Whether there is one.'),
          labels: onKubernetes(labels().optional(), 'Its labels.'),
        }),
        'PodMonitor for Prometheus. Restart: no.',
      ),
      rules: onKubernetes(
        group({
          enabled: onKubernetes(z.boolean('must be true or false').default(false), 'Whether there are.'),
        }),
        'Alerts for Prometheus. Restart: no.',
      ),
      dashboards: onKubernetes(
        group({
          enabled: onKubernetes(z.boolean('must be true or false').default(false), 'Whether there are.'),
        }),
        'Dashboards for Grafana. Restart: no.',
      ),
    }),
    'Objects for monitoring.',
  ),
  networkPolicy: onKubernetes(
    group({
      enabled: onKubernetes(z.boolean('must be true or false').default(true), 'Whether there is one.'),
    }),
    'NetworkPolicy around the brokers. Restart: no.',
  ),
  state: onKubernetes(
    z.enum(['Running', 'Hibernated', 'Paused'], 'must be Running, Hibernated or Paused').default('Running'),
    'Hibernated: no brokers, data kept. Paused: the operator changes nothing.',
  ),
  deletionProtection: onKubernetes(
    z.boolean('must be true or false').default(true),
    'Whether the Cluster cannot be deleted.',
  ),
})

export const cluster = z.strictObject({
  apiVersion: z.literal(apiVersion, `must be ${apiVersion}`),
  kind: z.literal('Cluster'),
  metadata,
  spec: clusterSpec,
  status: z.unknown().optional(),
})

export type Cluster = z.output<typeof cluster>
