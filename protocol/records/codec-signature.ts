import type { CompressionType } from './compression.ts'

/** How each codec's output begins. A raw snappy block, as librdkafka writes it, has no such beginning. */
const signatures: Readonly<Partial<Record<CompressionType, readonly number[]>>> = {
  gzip: [0x1f, 0x8b],
  lz4: [0x04, 0x22, 0x4d, 0x18],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
}

/** False when the bytes cannot be what the codec wrote. True proves nothing: only unpacking does. */
export function beginsLike(type: CompressionType, bytes: Buffer): boolean {
  const signature = signatures[type]
  return signature === undefined || signature.every((byte, at) => bytes[at] === byte)
}
