// Variable-length integers: seven bits a byte, lowest first, the high bit says that more follow. Unsigned ones carry
// lengths and tags; zigzag ones (0, -1, 1, -2, …) carry the fields inside record batches.

/** Bytes that `writeUnsignedVarint` needs; `value` is 0 … 2^32 - 1. */
export function sizeOfUnsignedVarint(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  if (value < 0x10000000) return 4
  return 5
}

/** Bytes of a zigzag varint; `value` is an int32. */
export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint(zigzag(value))
}

/** Bytes of a zigzag varlong; `value` is a safe integer. */
export function sizeOfVarlong(value: number): number {
  let rest = value < 0 ? -(value + 1) : value // |zigzag| / 2, so the first byte has six bits of it
  let size = 1
  for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) size++
  return size
}

/** int32 → 0 … 2^32 - 1 with small magnitudes first. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

/** Inverse of `zigzag`. */
export function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}

/** A zigzag varint at `start`; answers where it ends. */
export function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let position = start
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest >= 0x80; rest >>>= 7) bytes[position++] = (rest & 0x7f) | 0x80
  bytes[position++] = rest
  return position
}

/** The same for a safe integer. */
export function writeVarlong(bytes: Uint8Array, start: number, value: number): number {
  if (value === (value | 0)) return writeVarint(bytes, start, value)
  let position = start
  // Doubling for the zigzag could pass 2^53, so the first byte takes the sign and six bits, and the rest follows undoubled.
  const magnitude = value < 0 ? -(value + 1) : value
  let rest = Math.floor(magnitude / 64)
  bytes[position++] = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0) | 0x80
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes[position++] = (rest % 128) | 0x80
  bytes[position++] = rest
  return position
}
