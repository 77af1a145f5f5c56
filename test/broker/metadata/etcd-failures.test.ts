import { describe, expect, test } from 'vitest'
import { Compacted, storeError, understandFailure } from '../../../broker/metadata/etcd-failures.ts'
import { LeaseLost, OutcomeUnknown, StoreUnavailable } from '../../../broker/metadata/metadata-store.ts'

describe('what a failure of etcd means', () => {
  test.each([
    [14, 'Connection dropped', 'unknown', 'other member'],
    [14, 'etcdserver: request timed out, possibly due to previous leader failure', 'unknown', 'other member'],
    [14, 'etcdserver: leader changed', 'unknown', 'other member'],
    [14, 'etcdserver: no leader', 'nothing', 'other member'],
    [14, 'etcdserver: rpc not supported for learner', 'nothing', 'other member'],
    [4, 'Deadline exceeded after 5.000s', 'unknown', 'other member'],
    [1, 'Cancelled on client', 'unknown', 'other member'],
    [13, 'Received RST_STREAM with code 2', 'unknown', 'other member'],
    [8, 'etcdserver: too many requests', 'nothing', 'other member'],
    [8, 'etcdserver: mvcc: database space exceeded', 'nothing', 'none'],
    [8, 'Received message larger than max', 'unknown', 'other member'],
    [16, 'etcdserver: invalid auth token', 'nothing', 'new token'],
    [3, 'etcdserver: revision of auth store is old', 'nothing', 'new token'],
    [3, 'etcdserver: duplicate key given in txn request', 'nothing', 'none'],
    [7, 'etcdserver: permission denied', 'nothing', 'none'],
    [5, 'etcdserver: requested lease not found', 'nothing', 'none'],
  ] as const)('%i %s: it did %s, and what helps is: %s', (code, details, outcome, remedy) => {
    expect(understandFailure({ code, details })).toMatchObject({ outcome, remedy })
  })

  test('the errors of the store that follow', () => {
    const thrown = (details: string, code: number, repeatable: boolean): Error =>
      storeError(understandFailure({ code, details }), 'http://a:1', repeatable, undefined)
    expect(thrown('Connection dropped', 14, false)).toBeInstanceOf(OutcomeUnknown)
    expect(thrown('Connection dropped', 14, true)).toBeInstanceOf(StoreUnavailable)
    expect(thrown('etcdserver: no leader', 14, false)).toBeInstanceOf(StoreUnavailable)
    expect(thrown('etcdserver: requested lease not found', 5, false)).toBeInstanceOf(LeaseLost)
    expect(thrown('etcdserver: mvcc: required revision has been compacted', 11, true)).toBeInstanceOf(
      Compacted,
    )
    expect(thrown('Connection dropped', 14, true).message).toContain('(http://a:1)')
  })
})
