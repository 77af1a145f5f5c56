import { LatencyHistogram } from '../metrics/latency-histogram.ts'
import { type FailureKind, isGrpcError, understandFailure } from './etcd-failures.ts'
import { LeaseLost } from './metadata-store.ts'

export type EtcdOperation =
  | 'read'
  | 'commit'
  | 'lease-grant'
  | 'lease-renew'
  | 'lease-revoke'
  | 'authenticate'

/** What was asked of etcd so far: plain fields, read when scraped. */
export class EtcdStats {
  readonly latency = new Map<EtcdOperation, LatencyHistogram>()
  /** `operation` and kind of failure → how often. */
  readonly failures = new Map<EtcdOperation, Map<FailureKind, number>>()
  /** How often a watch was opened, the first time included. */
  watchesOpened = 0
  /** How often a watch had to compare everything because what it had missed was compacted. */
  watchesCompacted = 0

  answered(operation: EtcdOperation, durationMs: number): void {
    let histogram = this.latency.get(operation)
    if (histogram === undefined) this.latency.set(operation, (histogram = new LatencyHistogram()))
    histogram.record(durationMs)
  }

  failed(operation: EtcdOperation, error: unknown): void {
    let kinds = this.failures.get(operation)
    if (kinds === undefined) this.failures.set(operation, (kinds = new Map()))
    const kind = kindOf(error)
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof LeaseLost) return 'lease-lost'
  const cause = error instanceof Error ? error.cause : undefined
  return isGrpcError(cause) ? understandFailure(cause).kind : 'unreachable'
}
