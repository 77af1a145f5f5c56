/**
 * What four bytes that are no frame size probably are, as a clause for the log; undefined when they say nothing.
 * `listener` is named with the protocol it speaks, "PLAINTEXT".
 */
export function recogniseGarbage(bytes: Buffer, start: number, listener: string): string | undefined {
  if (isTlsHello(bytes, start)) return `it looks like a TLS hello, but listener ${listener} is not encrypted`
  const text = bytes.toString('latin1', start, start + 4)
  if (httpStarts.has(text))
    return `it looks like an HTTP request, but listener ${listener} speaks the Kafka protocol`
  if (text === 'SSH-')
    return `it looks like an SSH client, but listener ${listener} speaks the Kafka protocol`
  if (text === 'PROX')
    return `it looks like a PROXY protocol header, which listener ${listener} does not read`
  return undefined
}

const httpStarts = new Set(['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI '])

/** A record of the handshake: type 22, version 3.x. */
function isTlsHello(bytes: Buffer, start: number): boolean {
  return bytes[start] === 0x16 && bytes[start + 1] === 0x03 && (bytes[start + 2] ?? 255) <= 4
}
