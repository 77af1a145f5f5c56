/** What the operator says of a Topic. */
import * as z from 'zod'
import { conditionList } from './conditions.ts'
import { onKubernetes as field } from './field.ts'

const count = () => z.int().min(0).optional()
const text = () => z.string().optional()

const status = z.strictObject({
  observedGeneration: field(count(), 'Generation of the spec that this status is about.'),
  topicName: field(text(), 'Name of the topic in Kafka.'),
  topicId: field(text(), 'Id of the topic in Kafka.'),
  partitions: field(count(), 'Partitions that there are.'),
  replicationFactor: field(count(), 'Replicas that there are.'),
  appliedSettings: field(
    z.array(z.string()).max(120).optional(),
    'Settings that were set from here, so that those no longer given go back to the default.',
  ),
  drift: field(
    z
      .array(
        z.strictObject({
          key: field(z.string(), 'What differs: a setting, partitions or replicationFactor.'),
          desired: field(text(), 'What it should be; unset: the default.'),
          actual: field(text(), 'What it is; unset: the default.'),
        }),
      )
      .max(20)
      .optional(),
    'Differences between spec and topic that are not undone.',
  ),
  conditions: field(conditionList.optional(), 'What is so and what is not, and why.'),
})

export const topicStatus = field(status, 'What there is.')

export type TopicStatus = z.output<typeof status>
