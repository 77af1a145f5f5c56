/**
 * What a shard is made of. A shard is one partition of an internal topic replayed into a state; which state, and
 * which records, its kind says: groups in __consumer_offsets, transactions in __transaction_state, share partitions in
 * __share_group_state.
 *
 * A command is decided by a pure function from the state to a Decision. What is decided happens in this order, without
 * a pause: records are taken into the log's next batch, `volatile` changes what is not remembered, then the records are
 * applied to the state by the same `apply` that replays them at load, then the effects are carried out, then the answer is queued until everything written so far is
 * replicated. When the records cannot be written nothing of it happens.
 */
import type { ErrorName } from '../../protocol/index.ts'
import type { Timeline } from './timeline.ts'

/** `State` belongs to one life of a shard: made before the log is replayed, dropped when leadership goes. */
export interface ShardKind<State, Entry> {
  /** Maps of what records say come from the timeline, so that readers can be shown the committed state. */
  create(timeline: Timeline): State
  /** Throws ProtocolError for damaged bytes; null for a type that is not known: both are passed over at load. */
  decode(key: Buffer | null, value: Buffer | null): Entry | null
  encode(entry: Entry): EncodedEntry
  /** The only way in which remembered state changes, at load and in life. */
  apply(state: State, entry: Entry, origin: EntryOrigin): void
  /** The marker of a transaction whose records were applied before. */
  applyMarker(state: State, producerId: number, outcome: 'commit' | 'abort'): void
  /** All of the log is applied: timers that start anew, things that have to be put right. */
  loaded(state: State): Decision<State, Entry>
}

export interface EncodedEntry {
  readonly key: Buffer
  /** null: a tombstone. */
  readonly value: Buffer | null
}

/** `producerId` -1: not part of a transaction. */
export interface EntryOrigin {
  readonly producerId: number
  readonly producerEpoch: number
}

export const outsideTransactions: EntryOrigin = { producerId: -1, producerEpoch: -1 }

export interface Decision<State, Entry, Response = never> {
  readonly records?: readonly Entry[]
  /** The records may be split over several batches: each stands for itself. Else they are written in one or not at all. */
  readonly independent?: boolean
  /** The records belong to the open transaction of this producer. */
  readonly transaction?: EntryOrigin
  /**
   * Changes what no record remembers (who has joined again, what is counted), just before the records are applied. Not
   * called when they cannot be written.
   */
  readonly volatile?: (state: State) => void
  readonly effects?: readonly Effect<State, Entry>[]
  /** For the asker; left out when it is parked, or when nobody asked. */
  readonly response?: Response
  /** What happens in the place of all this when the records cannot be written. Left out: nothing, and the asker gets the error. */
  readonly ifRefused?: (error: ErrorName) => Decision<State, Entry, Response>
}

export type Effect<State, Entry> =
  /** The asker of this command waits under the name `call` (nobody else may stand there). */
  | { readonly kind: 'park'; readonly call: string }
  /** Who waits under `call`, if anybody does, gets `response`. */
  | { readonly kind: 'answer'; readonly call: string; readonly response: unknown }
  /** A timer of that name is replaced, or left as it is with `ifAbsent`. The event is decided like a command. */
  | {
      readonly kind: 'schedule'
      readonly timer: string
      readonly afterMs: number
      readonly event: Event<State, Entry>
      readonly ifAbsent?: boolean
    }
  | { readonly kind: 'cancel'; readonly timer: string }

/** Something that happens by itself: a timer ran out, the cluster changed. */
export type Event<State, Entry> = (state: State) => Decision<State, Entry>

export interface Command<State, Entry, Response> {
  decide(state: State): Decision<State, Entry, Response>
  /** Exactly one of the two is called, once. Never before `decide` has returned. */
  answer(response: Response): void
  /** The error is one that a coordinator's client knows. */
  fail(error: ErrorName): void
}

/** Names for calls and timers from parts that clients choose freely: two different lists never give the same name. */
export function nameOf(kind: string, ...parts: readonly string[]): string {
  let name = kind
  for (const part of parts) name += `/${part.length}:${part}`
  return name
}
