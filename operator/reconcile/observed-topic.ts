/** What is seen of a Topic before anything is decided: plain values. */
import type { TopicPartitions } from '../../client/index.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { Topic } from '../resources/topic.ts'
import type { ReachedKafka } from './observed-cluster.ts'

export interface ObservedTopic {
  readonly object: KubeObject
  readonly topic: Topic
  readonly cluster: OwningCluster
  readonly kafka: { readonly kind: 'unreachable'; readonly reason: string } | TopicInKafka
  /** What the brokers refused of this very spec a short while ago. */
  readonly refusal: TopicRefusal | undefined
  readonly nowMs: number
}

export type OwningCluster =
  | { readonly kind: 'absent' }
  | { readonly kind: 'deleting' }
  /** `refusal`: why this namespace may not have topics in it; undefined: it may. */
  | {
      readonly kind: 'present'
      readonly refusal: string | undefined
      readonly isPaused: boolean
      /** Undefined: this namespace may have as many partitions as it likes. */
      readonly quota?: NamespaceQuota | undefined
    }

/** What one namespace may have in a Cluster. */
export interface NamespaceQuota {
  readonly mostPartitions: number
  /** What its other topics have, or are about to get. */
  readonly others: number
  /** What a topic has that does not say. */
  readonly defaultPartitions: number
}

export interface TopicInKafka {
  readonly kind: 'reached'
  /** Undefined: there is none of that name. */
  readonly actual: ActualTopic | undefined
  /** The whole cluster, where replicas have to be placed; else undefined. */
  readonly placement: ReachedKafka | undefined
}

export interface ActualTopic extends TopicPartitions {
  /** Overrides by Kafka's names, that of the owner among them. */
  readonly settings: ReadonlyMap<string, string>
  readonly isMoving: boolean
  /** Whether the Topic that the owner names is there. */
  readonly hasLivingOwner: boolean
}

export interface TopicRefusal {
  /** Kafka's word for it. */
  readonly error: string
  readonly message: string
}

/** The topic's own setting that says which Topic looks after it. */
export const ownerSetting = 'barnabas.owner'

/** "namespace/name uid" */
export function ownerText({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name} ${metadata.uid}`
}

export function parseOwner(text: string): { readonly key: string; readonly uid: string } | undefined {
  const match = /^([^ /]+\/[^ /]+) (\S+)$/.exec(text)
  return match === null ? undefined : { key: match[1] ?? '', uid: match[2] ?? '' }
}
