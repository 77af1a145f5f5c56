/**
 * Which partition of an internal topic a group, a transactional id or a share partition belongs to. Other brokers and
 * tools compute the same, so the hash is Java's `String.hashCode`: over UTF-16 code units, wrapping at 32 bits.
 */
export function coordinatorPartition(key: string, partitionCount: number): number {
  const hash = javaStringHash(key)
  // Its absolute value does not fit; Kafka takes 0 there.
  return hash === leastInt32 ? 0 : Math.abs(hash) % partitionCount
}

export function javaStringHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}

const leastInt32 = -(2 ** 31)
