/** What the requests and answers of one connection may hold. */
export interface RequestLimits {
  /** Largest frame; a larger one closes the connection. */
  readonly requestBytes: number
  /** Requests of one connection that are started and not answered. */
  readonly requestsInWork: number
  /** Bytes that these may keep alive; one request may always be in work. */
  readonly requestBytesInWork: number
  /** With so many bytes unsent no request is started and nothing read, until only `unsentLowBytes` are left. */
  readonly unsentHighBytes: number
  readonly unsentLowBytes: number
  /** So much a connection may hold without charging the memory budget. */
  readonly freeBytes: number
}

export const usualRequestLimits: Omit<RequestLimits, 'requestBytes'> = {
  requestsInWork: 256,
  requestBytesInWork: 16 * 2 ** 20,
  unsentHighBytes: 2 ** 20,
  unsentLowBytes: 2 ** 18,
  freeBytes: 64 * 1024,
}
