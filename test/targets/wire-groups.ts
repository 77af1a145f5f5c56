/** What load generators send to a group coordinator, written out by hand as in wire.ts. Non-flexible versions only. */
import { WireReader, arrayOf, int32, int64, string } from './wire.ts'

export const groupApiKeys = { offsetCommit: 8, offsetFetch: 9, findCoordinator: 10 }

/** FindCoordinator v0 body. */
export const findCoordinatorBody = (group: string): Buffer => string(group)

/** Its error code. */
export const findCoordinatorOutcome = (payload: Buffer): number => new WireReader(payload, 4).int16()

/** OffsetCommit v2 body from nobody's member: one position for each partition from 0 on. */
export function offsetCommitBody(group: string, topic: string, offsets: readonly number[]): Buffer {
  const partitions = offsets.map((offset, index) => Buffer.concat([int32(index), int64(offset), string('')]))
  const topics = arrayOf([Buffer.concat([string(topic), arrayOf(partitions)])])
  return Buffer.concat([string(group), int32(-1), string(''), int64(-1), topics])
}

/** The first error code that is not 0, else 0. */
export function offsetCommitOutcome(payload: Buffer): number {
  const reader = new WireReader(payload, 4)
  for (let topics = reader.arrayLength(); topics > 0; topics--) {
    reader.string()
    for (let partitions = reader.arrayLength(); partitions > 0; partitions--) {
      reader.int32()
      const errorCode = reader.int16()
      if (errorCode !== 0) return errorCode
    }
  }
  return 0
}

/** OffsetFetch v1 body: the position of one partition. */
export function offsetFetchBody(group: string, topic: string, partition: number): Buffer {
  return Buffer.concat([
    string(group),
    arrayOf([Buffer.concat([string(topic), arrayOf([int32(partition)])])]),
  ])
}

export function offsetFetchOutcome(payload: Buffer): { readonly errorCode: number; readonly offset: number } {
  const reader = new WireReader(payload, 4)
  if (reader.arrayLength() === 0) return { errorCode: -1, offset: -1 }
  reader.string()
  reader.arrayLength()
  reader.int32()
  const offset = reader.int64()
  reader.string()
  return { errorCode: reader.int16(), offset }
}
