/** Asks the brokers' controller whether a broker may be restarted. It lets one at a time, and none that would be missed. */
export interface RestartGrants {
  /** A grant ends by itself after `durationMs`. */
  request(broker: number, reason: string, durationMs: number): Promise<GrantAnswer>
  release(broker: number): Promise<void>
}

export type GrantAnswer =
  | { readonly kind: 'granted' }
  /** In sentences. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[] }
