/** What a reconciliation asks for. Carried out in order; the first that fails ends it, and the loop comes back. */
import type { ConfigChange, Reassignment } from '../../client/index.ts'
import type { KubeObject, ObjectRef } from '../resources/kube-object.ts'

export interface Happening {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** To the list of etcd's members. A learner has no vote before it is promoted. */
export type EtcdChange =
  | { readonly kind: 'add'; readonly peerUrl: string; readonly isLearner: boolean }
  | { readonly kind: 'promote' | 'remove'; readonly memberId: string }
  /** `memberId` goes, if it is not empty, and a new one comes in its place. */
  | {
      readonly kind: 'replace'
      readonly memberId: string
      readonly peerUrl: string
      readonly isLearner: boolean
    }

export type ClusterAction =
  | { readonly kind: 'apply'; readonly object: KubeObject }
  | {
      readonly kind: 'delete'
      readonly ref: ObjectRef
      readonly uid: string | undefined
      readonly why: string
    }
  | {
      readonly kind: 'annotatePod'
      readonly pod: string
      readonly uid: string
      readonly annotations: Readonly<Record<string, string>>
    }
  /** `needsGrant`: only if the brokers' controller says that nothing is lost by it. */
  | {
      readonly kind: 'restartBroker'
      readonly broker: number
      readonly pod: string
      readonly uid: string
      readonly reason: string
      readonly needsGrant: boolean
    }
  | { readonly kind: 'releaseRestart'; readonly broker: number }
  | {
      readonly kind: 'alterBrokerSettings'
      readonly broker: number | null
      readonly changes: readonly ConfigChange[]
    }
  | { readonly kind: 'movePartitions'; readonly moves: readonly Reassignment[]; readonly why: string }
  /** What replicas of these topics fetch that are not in sync is held to a speed, or is not any more. */
  | { readonly kind: 'throttleTopics'; readonly topics: readonly string[]; readonly isThrottled: boolean }
  | { readonly kind: 'changeEtcdMembers'; readonly change: EtcdChange; readonly why: string }
  | { readonly kind: 'tell'; readonly happening: Happening }
