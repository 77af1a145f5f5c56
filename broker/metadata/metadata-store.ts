/**
 * The one door to the cluster's metadata: a small, ordered, watched key-value store with transactions and leases.
 * Its words and rules are etcd's, so that etcd can stand behind it; the embedded store follows them exactly.
 *
 * Keys here are relative (`topics/…`): an implementation that shares its space with others adds a prefix of its own.
 * Values are UTF-8 text. Every successful commit has a revision of its own, larger than all before; a store never
 * goes back.
 */
export interface MetadataStore {
  /** Every entry whose key begins with `prefix` ('' = all), in key order, as of one revision. */
  read(prefix: string): Promise<StoreRead>

  /** One entry, as of one revision. */
  get(key: string): Promise<StoreGet>

  /**
   * Applies all of the transaction or nothing. At most `mostOperations` puts and deletes together, and as many
   * compares; a key is put or deleted at most once. Resolves when the outcome is durable.
   * Throws StoreUnavailable when nothing was done, OutcomeUnknown when it may or may not have been done.
   */
  commit(transaction: Transaction): Promise<CommitResult>

  /**
   * Calls the watcher with every change to keys under `prefix`, from `fromRevision` (inclusive) on: all events of
   * one revision together, revisions in order, none left out and none twice.
   */
  watch(prefix: string, fromRevision: number, watcher: Watcher): Watch

  /** A new lease: keys bound to it are deleted when it is revoked or not kept alive for `ttlMs`. */
  lease(ttlMs: number): Promise<Lease>

  /** Ends watches and lets go of the files or connections. What was committed is kept; leases are revoked. */
  close(): Promise<void>
}

/** Most puts and deletes, and most compares, in one commit. */
export const mostOperations = 120

export interface StoreEntry {
  readonly key: string
  readonly value: string
  /** Revision in which the key came to be (it starts anew after a deletion). */
  readonly createRevision: number
  /** Revision of the last put. */
  readonly modRevision: number
  /** The lease that the key is bound to, or null. */
  readonly lease: LeaseId | null
}

export interface StoreRead {
  readonly revision: number
  readonly entries: readonly StoreEntry[]
}

export interface StoreGet {
  readonly revision: number
  readonly entry: StoreEntry | undefined
}

export interface Transaction {
  readonly compare?: readonly Compare[]
  readonly put?: readonly Put[]
  readonly delete?: readonly string[]
}

/** Holds when the key's revision equals the number; a key that is absent has revision 0. */
export type Compare =
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly createRevision: number }

export interface Put {
  readonly key: string
  readonly value: string
  /** Binds the key to a lease; without it the key is bound to none. */
  readonly lease?: LeaseId
}

/** `ok: false`: a compare did not hold and nothing was done. `revision`: the store's, after the commit or at the refusal. */
export interface CommitResult {
  readonly ok: boolean
  readonly revision: number
}

export interface Watcher {
  /**
   * All events of one revision under the prefix, in the order of the keys' last change; may be empty, then it only
   * tells that nothing up to `revision` is still to come. Must not throw.
   */
  changed(revision: number, events: readonly StoreEvent[]): void
  /**
   * The watch ended for good and events may be missing: the store was closed, or it went back to an older state.
   * Interruptions that can be repaired are not told.
   */
  ended(reason: Error): void
}

export type StoreEvent =
  | { readonly kind: 'put'; readonly entry: StoreEntry }
  | { readonly kind: 'delete'; readonly key: string }

export interface Watch {
  /** Asks for a `changed` call (maybe without events) at a revision no older than the store's now. */
  requestProgress(): void
  cancel(): void
}

/** Opaque; unique among all leases of a store's life. */
export type LeaseId = string

export interface Lease {
  readonly id: LeaseId
  readonly ttlMs: number
  /** One renewal. Throws LeaseLost when the lease is gone, StoreUnavailable or OutcomeUnknown when it may still be there. */
  keepAlive(): Promise<void>
  /** Ends the lease; keys bound to it are deleted. Not an error when it is gone already. */
  revoke(): Promise<void>
}

/** The store cannot be reached or refuses to work; nothing was done. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** The request was sent and no answer came: it may have been done, or may still be done. To be read back. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
}

export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}
