/** `spec.brokers` of a Cluster: how many, where, on which volumes. */
import * as z from 'zod'
import { field, group, integer, labels, onKubernetes, optionalGroup, quantity } from './field.ts'
import {
  envVarSource,
  imagePullSecrets,
  podSecurityContext,
  resourceRequirements,
} from './kubernetes-pods.ts'
import { affinity, tolerations, topologySpreadConstraints } from './kubernetes-scheduling.ts'

const storage = group({
  type: field(
    z.enum(['Persistent', 'Ephemeral'], 'must be Persistent or Ephemeral').default('Persistent'),
    'Whether data outlives the brokers. Immutable.',
    'honoured',
    { immutable: true },
  ),
  size: onKubernetes(quantity().default('10Gi'), 'Size of each volume. Not changed yet.', {
    rules: [
      {
        rule: 'quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0',
        message: 'volumes cannot shrink, because data would be lost; give at least the size they have',
      },
      {
        rule: 'quantity(string(self)).compareTo(quantity(string(oldSelf))) <= 0',
        message: 'this version does not grow volumes; give the size they have',
      },
    ],
  }),
  storageClassName: onKubernetes(z.string().max(253).optional(), 'Storage class of the volumes. Immutable.', {
    immutable: true,
  }),
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
    'Grows volumes that fill up.',
    { later: 'all', instead: 'remove it, and begin with volumes that are large enough' },
  ),
})

const template = optionalGroup({
  labels: onKubernetes(labels().optional(), 'Labels of the pods. Restart: yes.'),
  annotations: onKubernetes(labels().optional(), 'Annotations of the pods. Restart: yes.'),
  nodeSelector: onKubernetes(labels().optional(), 'Labels that nodes must have. Restart: yes.'),
  tolerations: onKubernetes(tolerations.optional(), 'Taints that are tolerated. Restart: yes.'),
  affinity: onKubernetes(affinity.optional(), 'Which pods and nodes to be near to. Restart: yes.'),
  topologySpreadConstraints: onKubernetes(
    topologySpreadConstraints.optional(),
    'How pods spread over nodes. Restart: yes.',
  ),
  priorityClassName: onKubernetes(z.string().optional(), 'Priority of the pods. Restart: yes.'),
  securityContext: onKubernetes(podSecurityContext.optional(), 'Rights of the pods. Restart: yes.'),
  env: field(
    z
      .array(
        z.strictObject({
          name: field(z.string('must be the name of a variable').min(1), 'Name of the variable.'),
          value: field(z.string('must be text; put it in quotes').optional(), 'Its value.'),
          valueFrom: onKubernetes(envVarSource.optional(), 'Where its value is taken from.'),
        }),
      )
      .optional(),
    'Environment variables of the brokers. Restart: yes.',
  ),
  imagePullSecrets: onKubernetes(imagePullSecrets.optional(), 'Secrets to pull the image. Restart: yes.'),
  terminationGracePeriodSeconds: field(
    integer(1, 3600).default(120),
    'Time a broker has to wait until it may be away, and then to stop cleanly. Restart: yes.',
  ),
})

export const brokers = group({
  replicas: field(integer(1, 100).default(3), 'Number of brokers. Restart: no.'),
  resources: onKubernetes(resourceRequirements.optional(), 'CPU and memory of each broker. Restart: yes.'),
  storage: field(storage, 'Where data is kept. Restart: no.'),
  rack: onKubernetes(
    group({
      topologyKey: onKubernetes(
        z.string().min(1).max(317).default('topology.kubernetes.io/zone'),
        'Label of the nodes that says in which zone they are.',
      ),
    }),
    'Spreads replicas over zones. Restart: yes.',
  ),
  template: field(template, 'What the pods of brokers have besides. Restart: yes.'),
})
