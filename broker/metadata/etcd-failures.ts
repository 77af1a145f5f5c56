/**
 * What an error of etcd or of the connection to it means: whether the request may have been carried out, and what
 * helps. Pure. etcd's errors have stable texts; its codes alone do not tell enough.
 */
import { LeaseLost, OutcomeUnknown, StoreUnavailable } from './metadata-store.ts'

export interface EtcdFailure {
  /** `nothing`: etcd surely did nothing. `unknown`: it may have done it, or may still do it. */
  readonly outcome: 'nothing' | 'unknown'
  readonly remedy: 'other member' | 'new token' | 'none'
  readonly kind: FailureKind
  readonly sentence: string
}

export type FailureKind =
  | 'unreachable'
  | 'timeout'
  | 'no-leader'
  | 'no-space'
  | 'overloaded'
  | 'compacted'
  | 'lease-lost'
  | 'refused'
  | 'not-allowed'
  | 'other'

/** As gRPC clients throw it. */
export interface GrpcError {
  readonly code: number
  readonly details: string
}

const cancelled = 1
const invalidArgument = 3
const deadlineExceeded = 4
const notFound = 5
const failedPrecondition = 9
const outOfRange = 11
const unimplemented = 12
const unavailable = 14
const unauthenticated = 16

/** Parts of etcd's texts, the first that fits counts. All of these say that nothing was done. */
const known: readonly (readonly [RegExp, Omit<EtcdFailure, 'outcome'>])[] = [
  [
    /database space exceeded/,
    {
      kind: 'no-space',
      remedy: 'none',
      sentence:
        "etcd's database is full (NOSPACE alarm), so no metadata can be changed: compact and defragment it or raise its --quota-backend-bytes, then run `etcdctl alarm disarm`.",
    },
  ],
  [
    /requested lease not found/,
    { kind: 'lease-lost', remedy: 'none', sentence: 'etcd does not know the lease: it ran out.' },
  ],
  [
    /required revision has been compacted/,
    { kind: 'compacted', remedy: 'none', sentence: 'The revision was compacted.' },
  ],
  [
    /invalid auth token|revision of auth store is old|user name is empty/,
    {
      kind: 'not-allowed',
      remedy: 'new token',
      sentence: 'etcd asks for a user: give etcd.username and etcd.password.',
    },
  ],
  [
    /authentication failed/,
    {
      kind: 'not-allowed',
      remedy: 'none',
      sentence: 'etcd does not accept the user: check etcd.username and etcd.password.',
    },
  ],
  [
    /permission denied/,
    {
      kind: 'not-allowed',
      remedy: 'none',
      sentence:
        "etcd does not let this user at the cluster's keys: grant it reading and writing below etcd.prefix.",
    },
  ],
  [/etcdserver: no leader/, { kind: 'no-leader', remedy: 'other member', sentence: 'etcd has no leader.' }],
  [
    /not supported for learner/,
    { kind: 'unreachable', remedy: 'other member', sentence: 'This member of etcd has no vote yet.' },
  ],
  [
    /too many requests/,
    { kind: 'overloaded', remedy: 'other member', sentence: 'etcd has too many requests.' },
  ],
  [
    /request is too large/,
    {
      kind: 'refused',
      remedy: 'none',
      sentence: 'The change is too large for etcd: raise its --max-request-bytes.',
    },
  ],
]

export function understandFailure({ code, details }: GrpcError): EtcdFailure {
  for (const [pattern, meaning] of known) if (pattern.test(details)) return { outcome: 'nothing', ...meaning }
  switch (code) {
    case invalidArgument:
    case notFound:
    case failedPrecondition:
    case outOfRange:
    case unimplemented:
      return {
        outcome: 'nothing',
        remedy: 'none',
        kind: 'refused',
        sentence: `etcd refused the request: ${details}.`,
      }
    case unauthenticated:
      return {
        outcome: 'nothing',
        remedy: 'new token',
        kind: 'not-allowed',
        sentence: 'etcd does not accept the token.',
      }
    case deadlineExceeded:
      return {
        outcome: 'unknown',
        remedy: 'other member',
        kind: 'timeout',
        sentence: 'etcd did not answer in time.',
      }
    case unavailable:
    case cancelled:
      return {
        outcome: 'unknown',
        remedy: 'other member',
        kind: /request timed out/.test(details) ? 'timeout' : 'unreachable',
        sentence: `etcd cannot be reached: ${details}.`,
      }
    default:
      return {
        outcome: 'unknown',
        remedy: 'other member',
        kind: 'other',
        sentence: `etcd failed: ${details}.`,
      }
  }
}

export function isGrpcError(error: unknown): error is Error & GrpcError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error
}

/** The store's error for a failure that nothing was to be done about. `repeatable`: doing it twice is no harm. */
export function storeError(
  failure: EtcdFailure,
  endpoint: string,
  repeatable: boolean,
  cause: unknown,
): Error {
  const sentence = `${failure.sentence} (${endpoint})`
  if (failure.kind === 'lease-lost') return new LeaseLost(sentence, { cause })
  if (failure.kind === 'compacted') return new Compacted(sentence, { cause })
  if (failure.outcome === 'nothing' || repeatable) return new StoreUnavailable(sentence, { cause })
  return new OutcomeUnknown(sentence, { cause })
}

/** What was asked for is older than what etcd keeps. */
export class Compacted extends Error {
  override readonly name = 'Compacted'
}
