// Record batches for property tests: anything that the format can carry.
import fc from 'fast-check'
import { type BatchToBuild, compressionTypes, type RecordToBuild } from '../../../protocol/index.ts'

const bytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 40 }).map(some => Buffer.from(some)),
  fc.integer({ min: 60, max: 70 }).map(length => Buffer.alloc(length, 'v')),
  fc.integer({ min: 8180, max: 8200 }).map(length => Buffer.alloc(length, 'w')),
)

const timestamp = fc.oneof(
  fc.constant(-1),
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_010_000 }),
  fc.integer({ min: 0, max: 2 ** 52 }),
)

const record: fc.Arbitrary<RecordToBuild> = fc.record(
  {
    key: bytes,
    value: bytes,
    timestamp,
    headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 12 }), value: bytes }), {
      maxLength: 3,
    }),
  },
  { requiredKeys: ['value', 'timestamp'] },
)

/** Batches with at least one record, at offsets 0, 1, 2, … from any base. */
export const arbitraryBatch: fc.Arbitrary<BatchToBuild> = fc.record(
  {
    records: fc.array(record, { minLength: 1, maxLength: 80 }),
    baseOffset: fc.maxSafeNat().map(offset => Math.floor(offset / 2)),
    partitionLeaderEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    compression: fc.constantFrom(...compressionTypes),
    producerId: fc.integer({ min: -1, max: 2 ** 40 }),
    producerEpoch: fc.integer({ min: -1, max: 32_767 }),
    baseSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    isTransactional: fc.boolean(),
    isControl: fc.boolean(),
  },
  { requiredKeys: ['records'] },
)
