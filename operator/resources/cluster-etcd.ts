/** `spec.etcd` of a Cluster: where metadata is kept. */
import * as z from 'zod'
import {
  field,
  group,
  integer,
  oneOf,
  onKubernetes,
  optionalGroup,
  quantity,
  schedule,
  secretRef,
} from './field.ts'
import { resourceRequirements } from './kubernetes-pods.ts'

/** Of an etcd that comes with a cluster. */
export const mostEtcdMembers = 5

export const etcd = field(
  optionalGroup({
    managed: onKubernetes(
      optionalGroup({
        replicas: onKubernetes(
          oneOf(1, 3, mostEtcdMembers).default(3),
          'Number of members. After a change they come or go one by one; a member that goes takes its volume with it.',
        ),
        storage: onKubernetes(
          group({
            size: onKubernetes(quantity().default('4Gi'), 'Size of each volume. Immutable.', {
              immutable: true,
            }),
            storageClassName: onKubernetes(
              z.string().max(253).optional(),
              'Storage class of the volumes. Immutable.',
              { immutable: true },
            ),
          }),
          'Where members keep their data.',
        ),
        image: onKubernetes(
          z.string().min(1).max(500).optional(),
          'Image of etcd; unset: the one of the operator.',
        ),
        resources: onKubernetes(resourceRequirements.optional(), 'CPU and memory of each member.'),
        backup: onKubernetes(
          optionalGroup({
            schedule: onKubernetes(schedule(), 'When snapshots are taken.'),
            keep: onKubernetes(integer(1, 1000).default(7), 'Number of snapshots kept.'),
          }),
          'Snapshots of etcd.',
          { later: 'all', instead: 'remove it, and take snapshots with etcdctl in a CronJob of your own' },
        ),
      }),
      'An etcd that comes with the cluster.',
    ),
    endpoints: field(
      z
        .array(
          z
            .string('must be an address such as http://etcd:2379')
            .regex(/^https?:\/\/[^/\s]+$/, 'must be an address such as http://etcd:2379')
            .max(300),
        )
        .min(1, 'must have at least one')
        .max(9)
        .optional(),
      'An etcd that is there already, http://host:port each. Restart: yes.',
    ),
    tlsSecretRef: field(secretRef(), 'Secret with ca.crt, tls.crt and tls.key towards etcd.', 'refused', {
      later: 'all',
    }),
    authSecretRef: field(secretRef(), 'Secret with username and password towards etcd.', 'refused', {
      later: 'all',
    }),
  }),
  'Where metadata is kept; managed or endpoints, never both, and never the other later. Restart: no.',
  'honoured',
  {
    default: { managed: {} },
    rules: [
      {
        rule: 'has(self.managed) != has(self.endpoints)',
        message: 'must have one of managed and endpoints, and only one',
      },
      {
        rule: 'has(self.managed) == has(oldSelf.managed)',
        message: 'a cluster stays with the kind of etcd it has; make another Cluster',
      },
    ],
  },
)
