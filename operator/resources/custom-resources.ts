/** The CustomResourceDefinitions of barnabas.dev, made from the declarations of the resources. Pure. */
import { cluster } from './cluster.ts'
import type { JsonSchema } from './json-schema.ts'
import { structuralSchema } from './structural-schema.ts'
import { topic } from './topic.ts'

const group = 'barnabas.dev'
const version = 'v1'

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly jsonPath: string
  readonly description: string
  /** 1: only in wide output. */
  readonly priority?: 1
}

interface Kind {
  readonly kind: 'Cluster' | 'Topic'
  readonly plural: string
  readonly shortName: string
  readonly description: string
  readonly schema: JsonSchema
  readonly rules: readonly { readonly rule: string; readonly message: string }[]
  readonly columns: readonly Column[]
  readonly subresources: object
  readonly selectableFields: readonly string[]
}

const condition = (type: string, field: 'status' | 'reason'): string =>
  `.status.conditions[?(@.type=="${type}")].${field}`

const age: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'When it was made.',
}
const ready: Column = {
  name: 'Ready',
  type: 'string',
  jsonPath: condition('Ready', 'status'),
  description: 'Whether all is as it should be.',
}
const reason: Column = {
  name: 'Reason',
  type: 'string',
  jsonPath: condition('Ready', 'reason'),
  description: 'Why it is ready or not.',
}

export const kinds: readonly Kind[] = [
  {
    kind: 'Cluster',
    plural: 'clusters',
    shortName: 'bnc',
    description: 'A Kafka cluster. An empty spec is valid.',
    schema: structuralSchema(cluster.pick({ spec: true, status: true }), 'Cluster'),
    rules: [
      {
        rule: 'size(self.metadata.name) <= 36 && self.metadata.name.matches(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")',
        message:
          'the name of a Cluster must have at most 36 lower case letters, digits and hyphens and begin with a letter, as names of Services do',
      },
    ],
    columns: [
      ready,
      {
        name: 'Brokers',
        type: 'string',
        jsonPath: '.status.brokers.summary',
        description: 'Ready brokers of all.',
      },
      {
        name: 'Up-To-Date',
        type: 'string',
        jsonPath: condition('UpToDate', 'status'),
        description: 'Whether every broker runs as the spec says.',
      },
      {
        name: 'Version',
        type: 'string',
        jsonPath: '.status.version',
        description: 'Version of the brokers.',
      },
      reason,
      age,
      {
        name: 'Bootstrap',
        type: 'string',
        jsonPath: '.status.listeners[0].bootstrap',
        description: 'Where clients begin.',
        priority: 1,
      },
      {
        name: 'Cluster-Id',
        type: 'string',
        jsonPath: '.status.clusterId',
        description: 'Identity of the cluster.',
        priority: 1,
      },
      {
        name: 'Plan',
        type: 'string',
        jsonPath: '.status.plan.summary',
        description: 'What will be done.',
        priority: 1,
      },
    ],
    subresources: {
      status: {},
      scale: {
        specReplicasPath: '.spec.brokers.replicas',
        statusReplicasPath: '.status.brokers.total',
        labelSelectorPath: '.status.selector',
      },
    },
    selectableFields: [],
  },
  {
    kind: 'Topic',
    plural: 'topics',
    shortName: 'bnt',
    description: 'A topic of a Cluster. Only clusterRef.name is needed.',
    schema: structuralSchema(topic.pick({ spec: true, status: true }), 'Topic'),
    rules: [
      {
        rule: 'has(self.spec.topicName) || size(self.metadata.name) <= 249',
        message: 'the name of a topic has at most 249 characters; give a shorter name, or spec.topicName',
      },
    ],
    columns: [
      {
        name: 'Cluster',
        type: 'string',
        jsonPath: '.spec.clusterRef.name',
        description: 'Cluster that has the topic.',
      },
      {
        name: 'Topic',
        type: 'string',
        jsonPath: '.status.topicName',
        description: 'Name in Kafka.',
        priority: 1,
      },
      {
        name: 'Partitions',
        type: 'integer',
        jsonPath: '.status.partitions',
        description: 'Partitions there are.',
      },
      {
        name: 'Replicas',
        type: 'integer',
        jsonPath: '.status.replicationFactor',
        description: 'Replicas of each partition.',
      },
      ready,
      reason,
      age,
    ],
    subresources: { status: {} },
    selectableFields: ['.spec.clusterRef.name'],
  },
]

/** A CustomResourceDefinition, as it is written to crds/. */
export function customResourceDefinition(kind: Kind): object {
  const { properties = {}, ...schema } = kind.schema
  const { spec, status } = properties
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [kind.shortName],
        categories: ['barnabas'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.columns,
          ...(kind.selectableFields.length === 0
            ? {}
            : { selectableFields: kind.selectableFields.map(jsonPath => ({ jsonPath })) }),
          subresources: kind.subresources,
          schema: {
            openAPIV3Schema: {
              ...schema,
              description: kind.description,
              ...(spec?.default === undefined ? { required: ['spec'] } : {}),
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec,
                status,
              },
              'x-kubernetes-validations': kind.rules,
            },
          },
        },
      ],
    },
  }
}
