/** One of `spec.listeners` of a Cluster: where clients connect, and how. */
import * as z from 'zod'
import { field, group, integer, labels, objectName, onKubernetes, optionalGroup, secretRef } from './field.ts'
import { networkPolicyPeers } from './kubernetes-scheduling.ts'

export const listener = z.strictObject({
  name: field(
    z
      .string('must be a name')
      .regex(
        /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
        'must be of lower case letters, digits and single hyphens, at most 15',
      )
      .max(15, 'must be of lower case letters, digits and single hyphens, at most 15'),
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
    'How it is reached. Internal and ClusterIP: from inside Kubernetes. Restart: yes.',
    { later: ['TLSRoute'], instead: 'use NodePort or LoadBalancer' },
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
        { later: ['SelfSigned', 'Secret', 'Issuer'], instead: 'leave it Disabled' },
      ),
      secretRef: onKubernetes(secretRef(), 'Secret with tls.crt and tls.key.', { later: 'all' }),
      issuerRef: onKubernetes(
        optionalGroup({
          name: onKubernetes(objectName(), 'Name of the issuer.'),
          kind: onKubernetes(
            z.string().max(253).optional(),
            'Issuer, ClusterIssuer or a kind of another group.',
          ),
          group: onKubernetes(z.string().max(253).optional(), 'Group of the kind; unset: cert-manager.io.'),
        }),
        'Issuer of cert-manager.',
        { later: 'all' },
      ),
    }),
    'Encryption. Restart: yes.',
  ),
  authentication: field(
    z.enum(['None', 'Scram', 'MutualTLS'], 'must be None, Scram or MutualTLS').default('None'),
    'How clients prove who they are. Restart: yes.',
    'refused',
    {
      later: ['Scram', 'MutualTLS'],
      instead: 'leave it None, and let in only whom allowFrom names',
    },
  ),
  advertised: onKubernetes(
    optionalGroup({
      hostTemplate: onKubernetes(
        z.string().min(1).max(253).optional(),
        'Host told to clients; {id} is the broker.',
      ),
      portTemplate: onKubernetes(
        z
          .string()
          .regex(/^(\d{1,5}|\{id\}|\d{1,4}\{id\})$/, 'must be a port such as 9092 or 3009{id}')
          .max(10)
          .optional(),
        'Port told to clients; {id} is the broker.',
      ),
    }),
    'Address told to clients. Restart: yes.',
  ),
  annotations: onKubernetes(labels().optional(), 'Annotations of the Services. Restart: no.'),
  sourceRanges: onKubernetes(
    z.array(z.string().max(50)).max(100).optional(),
    'Networks that may connect through the load balancers. Restart: no.',
  ),
  allowFrom: onKubernetes(
    networkPolicyPeers.optional(),
    'Peers that the NetworkPolicy lets in. Restart: no.',
  ),
})
