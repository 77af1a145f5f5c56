import type { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import type { CommitResult, MetadataStore, Transaction } from '../../../broker/metadata/metadata-store.ts'

/** What is done in place of, or around, calls to a store. Read at each call, so it may change meanwhile. */
export interface Interference {
  commit?(transaction: Transaction, really: () => Promise<CommitResult>): Promise<CommitResult>
  /** Before a `get`; may throw. */
  get?(): void
}

/** The store, with a network between it and its user that does what the test wants. */
export function interfering(interference: Interference): (store: EmbeddedStore) => MetadataStore {
  return store => ({
    read: prefix => store.read(prefix),
    get: async key => {
      interference.get?.()
      return store.get(key)
    },
    watch: (prefix, from, watcher) => store.watch(prefix, from, watcher),
    lease: ttlMs => store.lease(ttlMs),
    close: () => store.close(),
    commit: transaction => {
      const really = (): Promise<CommitResult> => store.commit(transaction)
      return interference.commit?.(transaction, really) ?? really()
    },
  })
}

/** A commit that concerns topics or partitions, not brokers or the controller. */
export function writesTopics(transaction: Transaction): boolean {
  return transaction.put?.some(put => /^(topics|partitions)\//.test(put.key)) === true
}
