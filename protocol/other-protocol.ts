/** Protocols that Kafka's ports are taken for, or that answer where Kafka was expected. */
export type OtherProtocol = 'TLS' | 'HTTP' | 'SSH' | 'PROXY'

/** What the four bytes from `start` on begin, when they are no frame's size; undefined when they say nothing. */
export function otherProtocol(bytes: Buffer, start: number): OtherProtocol | undefined {
  if (isTlsRecord(bytes, start)) return 'TLS'
  const text = bytes.toString('latin1', start, start + 4)
  if (httpStarts.has(text)) return 'HTTP'
  if (text === 'SSH-') return 'SSH'
  return text === 'PROX' ? 'PROXY' : undefined
}

/** Of requests, and of answers. */
const httpStarts = new Set([
  'GET ',
  'HEAD',
  'POST',
  'PUT ',
  'DELE',
  'OPTI',
  'PATC',
  'CONN',
  'TRAC',
  'PRI ',
  'HTTP',
])

/** An alert or a handshake, types 21 and 22, of version 3.x (RFC 8446, section 5.1). */
function isTlsRecord(bytes: Buffer, start: number): boolean {
  const type = bytes[start]
  return (type === 21 || type === 22) && bytes[start + 1] === 3 && (bytes[start + 2] ?? 255) <= 4
}
