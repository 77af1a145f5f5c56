/** Writes the wire format of protocol buffers into one buffer that grows. */
export class ProtoWriter {
  #bytes = Buffer.allocUnsafe(512)
  #at = 0

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType)
  }

  /** Negative numbers as ten bytes of two's complement. */
  varint(value: number): void {
    this.#reserve(10)
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value))
      for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
      this.#bytes[this.#at++] = Number(rest)
      return
    }
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) | 0x80
    this.#bytes[this.#at++] = rest
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.varint(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(value, this.#at)
  }

  /** What `write` writes, with its length before it. */
  nested(write: () => void): void {
    this.#reserve(1)
    const from = this.#at + 1
    this.#at = from
    write()
    const length = this.#at - from
    const lengthBytes = varintBytes(length)
    this.#reserve(lengthBytes)
    if (lengthBytes > 1) this.#bytes.copyWithin(from - 1 + lengthBytes, from, from + length)
    this.#at = from - 1
    this.varint(length)
    this.#at += length
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
