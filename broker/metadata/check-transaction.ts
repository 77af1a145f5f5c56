import { assert } from '../../runtime/assert.ts'
import { mostOperations, type Transaction } from './metadata-store.ts'

/** Most bytes of keys and values in one transaction; etcd refuses requests of 1.5 MiB. */
const mostTransactionBytes = 1024 * 1024

/** Fails on a transaction that no store would take: that is a mistake of this program, never bad input. */
export function checkTransaction(transaction: Transaction): void {
  const puts = transaction.put ?? []
  const deletes = transaction.delete ?? []
  const compares = transaction.compare ?? []
  const operations = puts.length + deletes.length
  assert(operations > 0, 'A transaction writes something.')
  assert(operations <= mostOperations, 'A transaction has too many puts and deletes.', { operations })
  assert(compares.length <= mostOperations, 'A transaction has too many compares.', {
    compares: compares.length,
  })

  const written = new Set(deletes)
  let bytes = 0
  for (const { key, value } of puts) {
    written.add(key)
    bytes += key.length + value.length
  }
  assert(written.size === operations, 'A transaction writes a key at most once.', { operations })
  assert(bytes <= mostTransactionBytes, 'A transaction is too large.', { bytes })
}
