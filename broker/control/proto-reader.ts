/** The bytes are not what the message's declaration says; the sentence says where. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** Most elements of lists and maps in one message, all together: short bytes must not become huge objects. */
const mostElements = 200_000

/** Reads the wire format of protocol buffers. Never past the end; whatever is wrong is a MalformedMessage. */
export class ProtoReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0
  #end: number
  #elements = 0

  /** `what` names the message in errors. */
  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes
    this.#what = what
    this.#end = bytes.length
  }

  get hasMore(): boolean {
    return this.#at < this.#end
  }

  refuse(why: string): never {
    throw new MalformedMessage(`The ${this.#what} makes no sense at byte ${this.#at}: ${why}.`)
  }

  countElement(): void {
    if (++this.#elements > mostElements) this.refuse(`it has more than ${mostElements} elements`)
  }

  /** A signed 64-bit number, or the nearest double. */
  varint(): number {
    let value = 0
    let scale = 1
    const from = this.#at
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      scale *= 0x80
      if (byte < 0x80) return count < 7 ? value : this.#wideVarint(from)
    }
    return this.refuse('a number is longer than ten bytes')
  }

  text(): string {
    const from = this.#at
    const bytes = this.#lengthDelimited()
    try {
      return utf8.decode(bytes)
    } catch {
      this.#at = from
      return this.refuse('a text is not UTF-8')
    }
  }

  /**
   * The fields of a message with its length before it. `read` takes one field's value and says so, or returns false
   * and the field is passed over.
   */
  nested(read: (number: number, wireType: number) => boolean): void {
    const length = this.#length()
    const end = this.#end
    this.#end = this.#at + length
    this.fields(read)
    this.#end = end
  }

  /** The same for all bytes that are left. */
  fields(read: (number: number, wireType: number) => boolean): void {
    while (this.hasMore) {
      const tag = this.varint()
      const number = Math.floor(tag / 8)
      if (number < 1 || number > 536_870_911) this.refuse('a field has a number that does not exist')
      if (!read(number, tag % 8)) this.#skip(tag % 8)
    }
  }

  /** Elements that stand one after the other, with their length before them. */
  packed(read: () => void): void {
    const length = this.#length()
    const end = this.#end
    this.#end = this.#at + length
    while (this.hasMore) read()
    this.#end = end
  }

  #skip(wireType: number): void {
    switch (wireType) {
      case 0:
        this.varint()
        return
      case 1:
        this.#advance(8)
        return
      case 2:
        this.#lengthDelimited()
        return
      case 5:
        this.#advance(4)
        return
      default:
        // Groups, which proto3 does not have.
        this.refuse(`there is no wire type ${wireType}`)
    }
  }

  #lengthDelimited(): Buffer {
    const length = this.#length()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #length(): number {
    const length = this.varint()
    if (length < 0 || length > this.#end - this.#at) this.refuse('a length goes past the end')
    return length
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#at) this.refuse('it ends in the middle of a field')
    this.#at += bytes
  }

  #byte(): number {
    if (this.#at >= this.#end) this.refuse('it ends in the middle of a field')
    return this.#bytes[this.#at++]!
  }

  #wideVarint(from: number): number {
    let value = 0n
    for (let at = this.#at - 1; at >= from; at--) value = (value << 7n) | BigInt(this.#bytes[at]! & 0x7f)
    return Number(BigInt.asIntN(64, value))
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
