/**
 * Texts that were read before, so that one that comes again (a topic's name, a group's) is not made again: comparing is
 * cheaper than making, and who keeps many of them keeps one. Each place holds the last text that fell on it.
 */
export class ShortTexts {
  readonly #texts: (string | undefined)[] = Array.from({ length: places })

  /** The UTF-8 text in `bytes` from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): string {
    if (end - start > mostBytes) return bytes.toString('utf8', start, end)
    let hash = end - start
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
    const place = (hash ^ (hash >>> 9)) & (places - 1)
    const known = this.#texts[place]
    if (known !== undefined && isText(known, bytes, start, end)) return known
    const text = bytes.toString('utf8', start, end)
    // Of as many characters as bytes: ASCII, which is what names are, or else not compared rightly.
    if (text.length === end - start) this.#texts[place] = text
    return text
  }
}

const mostBytes = 40
const places = 1024

function isText(known: string, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let at = start; at < end; at++) if (known.charCodeAt(at - start) !== bytes[at]) return false
  return true
}
