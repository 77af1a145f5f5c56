/** What the operator says of a Cluster. Nothing here moves from second to second. */
import * as z from 'zod'
import { conditionList } from './conditions.ts'
import { onKubernetes as field } from './field.ts'

const count = () => z.int().min(0).optional()
const text = () => z.string().optional()

export const memberStates = ['Starting', 'Recovering', 'Ready', 'Draining', 'Restarting', 'Failed'] as const

export const planActions = ['Restart', 'Reload', 'Drain', 'Start'] as const

const status = z.strictObject({
  observedGeneration: field(count(), 'Generation of the spec that this status is about.'),
  clusterId: field(text(), 'Identity of the cluster, as its brokers tell it.'),
  version: field(text(), 'Version that the brokers are to run.'),
  selector: field(text(), 'Labels of the pods of brokers, for the scale subresource.'),
  brokers: field(
    z
      .strictObject({
        total: field(z.int().min(0), 'Brokers that there are to be now.'),
        ready: field(z.int().min(0), 'Brokers that serve clients.'),
        upToDate: field(z.int().min(0), 'Brokers that run as the spec says.'),
        draining: field(z.int().min(0), 'Brokers that are being emptied.'),
        summary: field(z.string(), 'Ready ones of all, such as 3/3.'),
      })
      .optional(),
    'How many brokers there are.',
  ),
  members: field(
    z
      .array(
        z.strictObject({
          id: field(z.int().min(0), 'Id of the broker.'),
          pod: field(z.string(), 'Name of its pod.'),
          rack: field(text(), 'Zone that it is in.'),
          state: field(z.enum(memberStates), 'What it does.'),
          revision: field(text(), 'Revision of the pod.'),
          pendingReason: field(text(), 'Why it is to be restarted.'),
          blockedBy: field(text(), 'Why that has to wait.'),
        }),
      )
      .max(200)
      .optional(),
    'Every broker.',
  ),
  listeners: field(
    z
      .array(
        z.strictObject({
          name: field(z.string(), 'Name of the listener.'),
          bootstrap: field(text(), 'Address that clients begin with, host:port.'),
          addresses: field(z.array(z.string()).max(200), 'Addresses of the brokers.'),
        }),
      )
      .max(8)
      .optional(),
    'Where clients connect.',
  ),
  etcd: field(
    z
      .strictObject({
        endpoints: field(z.array(z.string()).max(9), 'Addresses of etcd.'),
        prefix: field(z.string(), 'Beginning of every key in it.'),
      })
      .optional(),
    'Where metadata is kept.',
  ),
  plan: field(
    z
      .strictObject({
        hash: field(z.string(), 'Identity of the plan, to approve it by.'),
        summary: field(z.string(), 'The plan in a line.'),
        steps: field(
          z
            .array(
              z.strictObject({
                broker: field(count(), 'Which broker.'),
                etcdMember: field(count(), 'Which member of etcd, where it is no broker.'),
                action: field(z.enum(planActions), 'What happens to it.'),
                reason: field(z.string(), 'Why.'),
              }),
            )
            .max(200),
          'What will be done, in order.',
        ),
      })
      .optional(),
    'What will be done, before it is.',
  ),
  conditions: field(conditionList.optional(), 'What is so and what is not, and why.'),
})

export const clusterStatus = field(status, 'What there is.')

export type ClusterStatus = z.output<typeof status>
