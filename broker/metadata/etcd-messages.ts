/**
 * The part of etcd's messages that is used here, as its protocol buffers are decoded (int64 as text, names as etcd
 * writes them), and what they mean in the store's own words. Pure.
 */
import { assert } from '../../runtime/assert.ts'
import type { Compare, StoreEntry, Transaction } from './metadata-store.ts'

export interface Header {
  readonly cluster_id: string
  readonly revision: string
}

export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly create_revision: string
  readonly mod_revision: string
  /** '0': none. */
  readonly lease: string
}

export interface RangeAnswer {
  readonly header: Header
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
}

export interface TxnAnswer {
  readonly header: Header
  readonly succeeded: boolean
}

export interface WatchAnswer {
  readonly header: Header
  readonly created: boolean
  readonly canceled: boolean
  /** Not '0': what the watch asked for was compacted. */
  readonly compact_revision: string
  readonly cancel_reason: string
  /** More of the same answer follows. */
  readonly fragment: boolean
  readonly events: readonly WatchEvent[]
}

export interface WatchEvent {
  readonly type: 'Put' | 'Delete'
  /** Of a deletion: the key, and the deletion's revision as `mod_revision`. */
  readonly kv: KeyValue
}

export interface LeaseAnswer {
  readonly header: Header
  readonly ID: string
  /** Seconds; 0 or less: the lease is gone. */
  readonly TTL: string
}

/** A revision as a number; etcd counts from 1 and would need ten thousand years to leave the exact ones. */
export function revisionOf(text: string): number {
  const revision = Number(text)
  assert(Number.isSafeInteger(revision), 'A revision of etcd is an exact number.', { text })
  return revision
}

/** The keys of one cluster: all begin with `root`, which the rest of the program does not see. */
export class EtcdKeys {
  readonly #root: string
  readonly #rootBytes: number

  /** `prefix` as in etcd.prefix, with or without a slash at its end. */
  constructor(prefix: string, clusterUid: string) {
    this.#root = `${prefix.replace(/\/+$/, '')}/${clusterUid}/`
    this.#rootBytes = Buffer.byteLength(this.#root)
  }

  full(key: string): Buffer {
    return Buffer.from(this.#root + key)
  }

  relative(key: Buffer): string {
    return key.toString('utf8', this.#rootBytes)
  }

  /** All keys that begin with `prefix`, as etcd's range. */
  range(prefix: string): { readonly key: Buffer; readonly range_end: Buffer } {
    const key = this.full(prefix)
    return { key, range_end: endOfPrefix(key) }
  }

  entry(kv: KeyValue): StoreEntry {
    return {
      key: this.relative(kv.key),
      value: kv.value.toString('utf8'),
      createRevision: revisionOf(kv.create_revision),
      modRevision: revisionOf(kv.mod_revision),
      lease: kv.lease === '0' ? null : kv.lease,
    }
  }

  transaction({ compare = [], put = [], delete: deletions = [] }: Transaction): object {
    return {
      compare: compare.map(condition => this.#compare(condition)),
      success: [
        ...put.map(({ key, value, lease }) => ({
          request_put: { key: this.full(key), value: Buffer.from(value), lease: lease ?? '0' },
        })),
        ...deletions.map(key => ({ request_delete_range: { key: this.full(key) } })),
      ],
    }
  }

  #compare(condition: Compare): object {
    const key = this.full(condition.key)
    return 'modRevision' in condition
      ? { result: 'Equal', target: 'Mod', key, mod_revision: condition.modRevision }
      : { result: 'Equal', target: 'Create', key, create_revision: condition.createRevision }
  }
}

/** The smallest key that is larger than all that begin with `prefix`. */
function endOfPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix)
  const last = end.length - 1
  const byte = end[last] ?? 0xff
  assert(byte < 0xff, 'A prefix of keys ends with a character.')
  end[last] = byte + 1
  return end
}

/** The key that comes right after. */
export function keyAfter(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.alloc(1)])
}
