/** Bytes that are not what they claim to be: told to the peer's owner, never a bug of ours. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** A value that the wire cannot carry in this version: a caller's mistake, found before a byte is sent. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError'
}
