/** xxHash-32 with seed 0 over `bytes[start, end)`, unsigned: the checksum of LZ4 frames. */
export function xxhash32(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let at = start
  let hash: number
  if (end - start >= 16) {
    let lane1 = prime1 + prime2
    let lane2 = prime2
    let lane3 = 0
    let lane4 = -prime1
    for (const last = end - 16; at <= last; at += 16) {
      lane1 = round(lane1, word(bytes, at))
      lane2 = round(lane2, word(bytes, at + 4))
      lane3 = round(lane3, word(bytes, at + 8))
      lane4 = round(lane4, word(bytes, at + 12))
    }
    hash = rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)
  } else {
    hash = prime5
  }
  hash = (hash + (end - start)) | 0
  for (; at + 4 <= end; at += 4)
    hash = Math.imul(rotate(hash + Math.imul(word(bytes, at), prime3), 17), prime4)
  for (; at < end; at++) hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, prime5), 11), prime1)
  hash = Math.imul(hash ^ (hash >>> 15), prime2)
  hash = Math.imul(hash ^ (hash >>> 13), prime3)
  return (hash ^ (hash >>> 16)) >>> 0
}

const prime1 = 0x9e3779b1 | 0
const prime2 = 0x85ebca77 | 0
const prime3 = 0xc2b2ae3d | 0
const prime4 = 0x27d4eb2f | 0
const prime5 = 0x165667b1 | 0

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function round(lane: number, input: number): number {
  return Math.imul(rotate((lane + Math.imul(input, prime2)) | 0, 13), prime1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
