// CRC-32C (Castagnoli), the checksum of record batches and of the broker's own files. Two engines behind one function:
// the native one is six times faster but costs about 150 ns a call, so short pieces stay in JavaScript. Where the addon
// has no binary for the platform everything does.
import { createRequire } from 'node:module'

type NativeCrc32c = (input: Uint8Array, initialState?: number) => number

/** Below this many bytes the JavaScript loop is done before a native call has begun (measured on x64). */
const nativeWorthwhileBytes = 160

const native = loadNative()

/** CRC-32C of `bytes[start, end)` as an unsigned 32-bit number. `seed` is the checksum of what came before, to go on from it. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  if (end - start < nativeWorthwhileBytes || native === undefined)
    return crc32cInJavaScript(bytes, start, end, seed)
  return native(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start), seed)
}

/** The same without the addon: slicing by eight. */
export function crc32cInJavaScript(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
  seed = 0,
): number {
  const table = slicingTable()
  let crc = ~seed
  let at = start
  for (const last = end - 8; at <= last; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      table[1792 + (low & 0xff)]! ^
      table[1536 + ((low >>> 8) & 0xff)]! ^
      table[1280 + ((low >>> 16) & 0xff)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^
      table[512 + bytes[at + 5]!]! ^
      table[256 + bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

let slicing: Int32Array | undefined

/** Eight tables of 256 behind each other; the n-th moves a byte n further zero bytes along. */
function slicingTable(): Int32Array {
  if (slicing !== undefined) return slicing
  const table = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    table[byte] = crc
  }
  for (let at = 256; at < table.length; at++) {
    const previous = table[at - 256]!
    table[at] = (previous >>> 8) ^ table[previous & 0xff]!
  }
  slicing = table
  return table
}

function loadNative(): NativeCrc32c | undefined {
  try {
    const addon = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c: NativeCrc32c }
    return addon.crc32c
  } catch {
    return undefined
  }
}
