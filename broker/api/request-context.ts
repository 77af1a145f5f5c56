/** The connection a request came on, as far as handlers may know it. */
export interface Peer {
  readonly id: string
  readonly listenerName: string
  /** The client's IP address, without port. */
  readonly clientAddress: string
  /** `User:ANONYMOUS` until somebody has authenticated. */
  readonly principal: string
  /** What the client called itself in ApiVersions; undefined before, and when it did not. */
  clientSoftware: ClientSoftware | undefined
  /** Aborted when the connection is gone: nobody will read an answer. Made only when asked for. */
  readonly signal: AbortSignal
  /** Lets answers that are ready leave, then closes. `reason` is a clause for the log: "a Produce with acks=0 failed". */
  close(reason: string): void
}

/** KIP-511. */
export interface ClientSoftware {
  readonly name: string
  readonly version: string
}

/** Who asks, from where, in which version, when. Valid as long as the handler likes to keep it. */
export interface RequestContext {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly principal: string
  readonly listenerName: string
  readonly clientAddress: string
  /** On the monotonic clock. */
  readonly receivedAtMs: number
  readonly connection: Peer
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal
  /**
   * The answer leaves at once and says so itself (`throttleTimeMs`); after it nothing more is read from the connection for
   * `forMs` (KIP-219). The longest of several wins.
   */
  throttle(forMs: number): void
}
