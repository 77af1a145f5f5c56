import type { Uuid } from '../../protocol/index.ts'
import { unreachable } from '../../runtime/assert.ts'
import type {
  BrokerImage,
  BrokerStateImage,
  ConfigResourceType,
  OperationImage,
  PartitionImage,
  RestartGrantImage,
} from './image.ts'

/**
 * Every key of the store and the layout of its value, in one place. Values are JSON with short plain names, so that
 * they can be read with the store's own tools; what is empty or false is left out.
 *
 *   version                     {layout}
 *   cluster                     {id}
 *   features                    {name: level, …}            its epoch is the key's mod revision
 *   controller                  {broker}                    lease; its epoch is the key's create revision
 *   brokers/<id>                a registration              lease; its epoch is the key's create revision
 *   broker-state/<id>           what outlives registrations
 *   topic-names/<name>          "<topic id>"                holds the name: one topic per name
 *   topics/<id>                 {name, partitions: count}   written last: the commit point of creation and growth
 *   partitions/<id>/<n>         the state of one partition
 *   configs/<type>/<name>       {key: value, …}             overrides; the name is URI-encoded
 *   producer-ids                {next}
 *   restart-grant               which broker may restart now, for how long, who asked
 *   operations/<uuid>           journal of what takes many transactions
 *
 * Keys that this release does not know are left alone.
 */
export const keys = {
  version: 'version',
  cluster: 'cluster',
  features: 'features',
  controller: 'controller',
  producerIds: 'producer-ids',
  restartGrant: 'restart-grant',
  broker: (id: number): string => `brokers/${id}`,
  brokerState: (id: number): string => `broker-state/${id}`,
  topicName: (name: string): string => `topic-names/${name}`,
  topic: (id: Uuid): string => `topics/${id}`,
  partition: (topicId: Uuid, index: number): string => `partitions/${topicId}/${index}`,
  config: (type: ConfigResourceType, name: string): string => `configs/${type}/${encodeURIComponent(name)}`,
  operation: (id: Uuid): string => `operations/${id}`,
} as const

/** The layout described here. A store with a larger number was written by a later release. */
export const currentLayout = 1

/** What the controller wants written, or what the store says was: one key's new value, null for its deletion. */
export type MetadataChange =
  | { readonly kind: 'version'; readonly layout: number }
  | { readonly kind: 'cluster'; readonly clusterId: Uuid }
  | { readonly kind: 'features'; readonly finalized: ReadonlyMap<string, number> }
  | { readonly kind: 'controller'; readonly brokerId: number | null }
  | { readonly kind: 'broker'; readonly id: number; readonly registration: BrokerRegistration | null }
  | { readonly kind: 'brokerState'; readonly id: number; readonly state: BrokerState | null }
  | { readonly kind: 'topicName'; readonly name: string; readonly topicId: Uuid | null }
  | { readonly kind: 'topic'; readonly topicId: Uuid; readonly topic: TopicHeader | null }
  | {
      readonly kind: 'partition'
      readonly topicId: Uuid
      readonly index: number
      readonly partition: PartitionState | null
    }
  | {
      readonly kind: 'config'
      readonly type: ConfigResourceType
      readonly name: string
      readonly overrides: ReadonlyMap<string, string> | null
    }
  | { readonly kind: 'producerIds'; readonly next: number }
  | { readonly kind: 'restartGrant'; readonly grant: RestartGrant | null }
  | { readonly kind: 'operation'; readonly id: Uuid; readonly operation: Operation | null }

export type BrokerRegistration = Omit<BrokerImage, 'id' | 'epoch' | 'fenced' | 'stopping'>
export type BrokerState = Omit<BrokerStateImage, 'id' | 'modRevision'>
export interface TopicHeader {
  readonly name: string
  readonly partitions: number
}
export type PartitionState = Omit<PartitionImage, 'modRevision'>
export type RestartGrant = Omit<RestartGrantImage, 'modRevision'>
export type Operation = Omit<OperationImage, 'id' | 'modRevision'>

export function keyOf(change: MetadataChange): string {
  switch (change.kind) {
    case 'version':
    case 'cluster':
    case 'features':
    case 'controller':
    case 'producerIds':
    case 'restartGrant':
      return keys[change.kind]
    case 'broker':
      return keys.broker(change.id)
    case 'brokerState':
      return keys.brokerState(change.id)
    case 'topicName':
      return keys.topicName(change.name)
    case 'topic':
      return keys.topic(change.topicId)
    case 'partition':
      return keys.partition(change.topicId, change.index)
    case 'config':
      return keys.config(change.type, change.name)
    case 'operation':
      return keys.operation(change.id)
    default:
      return unreachable(change)
  }
}
