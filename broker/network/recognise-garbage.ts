import { otherProtocol } from '../../protocol/index.ts'

/**
 * What four bytes that are no frame size probably are, as a clause for the log; undefined when they say nothing.
 * `listener` is named with the protocol it speaks, "PLAINTEXT".
 */
export function recogniseGarbage(bytes: Buffer, start: number, listener: string): string | undefined {
  switch (otherProtocol(bytes, start)) {
    case 'TLS':
      return `it looks like a TLS hello, but listener ${listener} is not encrypted`
    case 'HTTP':
      return `it looks like an HTTP request, but listener ${listener} speaks the Kafka protocol`
    case 'SSH':
      return `it looks like an SSH client, but listener ${listener} speaks the Kafka protocol`
    case 'PROXY':
      return `it looks like a PROXY protocol header, which listener ${listener} does not read`
    case undefined:
      return undefined
  }
}
