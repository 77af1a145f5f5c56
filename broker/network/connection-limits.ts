import { isIPv6 } from 'node:net'
import type { Clock } from '../../runtime/clock.ts'

/** Who may connect, and when: counts per broker and per address, and how many connections a second are begun. */
export class ConnectionCounts {
  readonly #clock: Clock
  readonly #limits: () => CountLimits
  readonly #byAddress = new Map<string, number>()
  #open = 0
  /** Connections that may begin at once; below zero: so many wait. */
  #tokens = 0
  #filledAtMs: number
  #overrides: { readonly text: string; readonly counts: ReadonlyMap<string, number> } = {
    text: '',
    counts: new Map(),
  }

  constructor(clock: Clock, limits: () => CountLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#filledAtMs = Number.NEGATIVE_INFINITY
  }

  get open(): number {
    return this.#open
  }

  /** Counts a connection from `address` in, to begin after `delayMs`; or says which limit forbids it. */
  enter(
    address: string,
  ): { readonly delayMs: number } | { readonly refused: 'connections' | 'address' | 'rate' } {
    const limits = this.#limits()
    const fromAddress = this.#byAddress.get(address) ?? 0
    if (this.#open >= limits.total) return { refused: 'connections' }
    if (fromAddress >= this.#mostFrom(address, limits)) return { refused: 'address' }
    const delayMs = this.#delayMs(limits.creationRate)
    if (delayMs > longestDelayMs) return { refused: 'rate' }
    this.#tokens--
    this.#open++
    this.#byAddress.set(address, fromAddress + 1)
    return { delayMs }
  }

  leave(address: string): void {
    this.#open--
    const left = (this.#byAddress.get(address) ?? 0) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }

  #delayMs(rate: number): number {
    const nowMs = this.#clock.monotonicMs()
    const passedMs = nowMs - this.#filledAtMs
    this.#filledAtMs = nowMs
    this.#tokens = Math.min(rate, this.#tokens + (rate * Math.min(passedMs, 1e9)) / 1000)
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) * 1000) / rate)
  }

  #mostFrom(address: string, limits: CountLimits): number {
    if (limits.overrides === '') return limits.perAddress
    if (this.#overrides.text !== limits.overrides) {
      this.#overrides = { text: limits.overrides, counts: parseOverrides(limits.overrides) }
    }
    return this.#overrides.counts.get(address) ?? limits.perAddress
  }
}

export interface CountLimits {
  readonly total: number
  readonly perAddress: number
  /** "address:count,address:count". */
  readonly overrides: string
  /** A second. */
  readonly creationRate: number
}

/** An IPv4 address that came in over an IPv6 socket is written as the IPv4 address it is. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && !isIPv6(address.slice(7)) ? address.slice(7) : address
}

/** Parts that are no "address:count" are left out: the settings were checked when they were read. */
export function parseOverrides(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const part of text.split(',')) {
    const colon = part.lastIndexOf(':')
    const count = Number(part.slice(colon + 1))
    const host = part
      .slice(0, Math.max(colon, 0))
      .trim()
      .replace(/^\[(.*)\]$/, '$1')
    if (host === '' || !Number.isInteger(count)) continue
    for (const address of host === 'localhost' ? ['127.0.0.1', '::1'] : [plainAddress(host)])
      counts.set(address, count)
  }
  return counts
}

/** A connection that would have to wait longer than this is refused. */
const longestDelayMs = 10_000
