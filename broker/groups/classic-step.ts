import type { ErrorName } from '../../protocol/index.ts'
import { type ClassicGroup, noBytes } from './classic-group.ts'
import type { GroupRecord } from './group-records.ts'

/**
 * What something that happens makes of a classic group: the group as it is then (records not yet applied), the records
 * that make it lasting, and what is to be done. The machine never waits and touches nothing.
 */
export interface Step<Reply = never> {
  readonly group: ClassicGroup
  readonly records: readonly GroupRecord[]
  readonly effects: readonly ClassicEffect[]
  /** To who asked; left out when it is parked, or when nobody asked. */
  readonly reply?: Reply
  /** What happens in its place when the records cannot be written. Left out: nothing, and who asked gets the error. */
  readonly ifRefused?: (error: ErrorName) => Step<Reply>
}

export type ClassicEffect =
  /** Who asked waits, as this member, for the join phase to end or for the leader's assignment. */
  | { readonly kind: 'park'; readonly call: 'join' | 'sync'; readonly memberId: string }
  | { readonly kind: 'answerJoin'; readonly memberId: string; readonly reply: JoinReply }
  | { readonly kind: 'answerSync'; readonly memberId: string; readonly reply: SyncReply }
  | { readonly kind: 'startSession'; readonly memberId: string; readonly afterMs: number }
  | { readonly kind: 'endSession'; readonly memberId: string }
  /** Ends the join phase; `ifAbsent` leaves one that runs as it is. */
  | { readonly kind: 'startJoinTimer'; readonly afterMs: number; readonly ifAbsent: boolean }
  /** Beside the join timer, while the first rebalance of an empty group is held up; begins anew when it runs already. */
  | { readonly kind: 'startInitialDelay'; readonly afterMs: number }
  | { readonly kind: 'endInitialDelay' }
  | { readonly kind: 'endJoinTimer' }
  | { readonly kind: 'startSyncTimer'; readonly afterMs: number; readonly generation: number }
  | { readonly kind: 'endSyncTimer' }

export interface JoinReply {
  readonly error: ErrorName
  readonly memberId: string
  /** -1 on errors. */
  readonly generation: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  /** For the leader alone. */
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly metadata: Buffer
  }[]
}

export interface SyncReply {
  readonly error: ErrorName
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly assignment: Buffer
}

export function failedJoin(error: ErrorName, memberId: string): JoinReply {
  return {
    error,
    memberId,
    generation: -1,
    protocolType: null,
    protocol: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

export function failedSync(error: ErrorName): SyncReply {
  return { error, protocolType: null, protocol: null, assignment: noBytes }
}

/** The group as it is, and nothing to do. */
export function stay(group: ClassicGroup): Step {
  return { group, records: [], effects: [] }
}

export function doing(group: ClassicGroup, ...effects: readonly ClassicEffect[]): Step {
  return { group, records: [], effects }
}

/** Nothing changes and who asked is answered at once. */
export function reply<Reply>(group: ClassicGroup, to: Reply): Step<Reply> {
  return { group, records: [], effects: [], reply: to }
}

/**
 * One step after the other: `next` goes on from the group that `step` left. Not called `then`: a module that exports that
 * name passes for a promise where it is imported dynamically.
 */
export function andThen<Reply = never>(step: Step, next: (group: ClassicGroup) => Step<Reply>): Step<Reply> {
  const following = next(step.group)
  return {
    ...following,
    records: step.records.length === 0 ? following.records : [...step.records, ...following.records],
    effects: step.effects.length === 0 ? following.effects : [...step.effects, ...following.effects],
  }
}
