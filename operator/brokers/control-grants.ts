/** Restart grants, asked of whichever broker answers, which passes the question on to the controller. */
import { decodeAnswer, encodeCommand, restartRefusals } from '../../broker/control/control-api.ts'
import { ControlConnections } from '../../broker/control/control-client.ts'
import type { Clock } from '../../runtime/clock.ts'

export interface GrantRequest {
  readonly broker: number
  readonly reason: string
  /** The grant ends by itself after this time. */
  readonly durationMs: number
}

/** Why brokers refuse; Unanswered: none of them said anything. */
export const refusalKinds = [...restartRefusals, 'Unanswered'] as const

export type RefusalKind = (typeof refusalKinds)[number]

export type GrantAnswer =
  | { readonly kind: 'granted' }
  | {
      readonly kind: 'refused'
      /** In sentences. */
      readonly reasons: readonly string[]
      readonly kinds: readonly RefusalKind[]
    }

export type ControlAddress = Parameters<ControlConnections['call']>[0]

const callMs = 10_000
/** Brokers take no longer ones. */
const longestGrantMs = 3_600_000
const longestReason = 500
const holder = 'barnabas-operator'

export class ControlGrants {
  readonly #connections: ControlConnections

  constructor(clock: Clock) {
    this.#connections = new ControlConnections({ tls: () => null, clock })
  }

  /** What cannot be asked is not granted. Asking again for the same broker prolongs its grant. */
  async request(
    addresses: readonly ControlAddress[],
    { broker, reason, durationMs }: GrantRequest,
  ): Promise<GrantAnswer> {
    const command = {
      brokerId: broker,
      durationMs: Math.min(durationMs, longestGrantMs),
      holder,
      reason: reason.slice(0, longestReason),
      timeoutMs: callMs,
    }
    const answer = await this.#ask(
      addresses,
      'RequestRestart',
      encodeCommand('requestRestart', command, caller),
    )
    if (answer.kind === 'refused') return answer
    const result = decodeAnswer('requestRestart', answer.bytes)?.result
    if (result === undefined) {
      return { kind: 'refused', reasons: ['The brokers answered something else.'], kinds: ['Other'] }
    }
    if (result.safe && result.error === 'NONE') return { kind: 'granted' }
    const { reasons, message, error } = result
    return reasons.length === 0
      ? { kind: 'refused', reasons: [message ?? error], kinds: ['Other'] }
      : {
          kind: 'refused',
          reasons: reasons.map(reason => reason.message),
          kinds: reasons.map(({ kind }) => kind),
        }
  }

  /** The broker that we may restart, if an operator before us asked for it; null: none. Undefined: nobody says. */
  async held(addresses: readonly ControlAddress[]): Promise<number | null | undefined> {
    const question = encodeCommand('canRestart', { brokerId: 0, timeoutMs: callMs }, caller)
    const answer = await this.#ask(addresses, 'CanRestart', question)
    if (answer.kind === 'refused') return undefined
    const result = decodeAnswer('canRestart', answer.bytes)?.result
    if (result === undefined) return undefined
    return result.grant?.holder === holder ? result.grant.brokerId : null
  }

  /** A grant that is not given back ends by itself, so it is tried once. */
  async release(addresses: readonly ControlAddress[], broker: number): Promise<void> {
    const command = { brokerId: broker, grantId: null, timeoutMs: callMs }
    await this.#ask(addresses, 'ReleaseRestart', encodeCommand('releaseRestart', command, caller))
  }

  close(): void {
    this.#connections.close()
  }

  async #ask(
    addresses: readonly ControlAddress[],
    method: string,
    request: Buffer,
  ): Promise<
    { readonly kind: 'answered'; readonly bytes: Buffer } | Extract<GrantAnswer, { kind: 'refused' }>
  > {
    const reasons: string[] = []
    for (const address of addresses) {
      const outcome = await this.#connections.call(
        address,
        method,
        request,
        callMs,
        new AbortController().signal,
      )
      if (outcome.kind === 'answered') return outcome
      reasons.push(`${address.host}: ${outcome.reason}.`)
      // Whether it was granted is not known: asking again finds out, and another broker must not be asked meanwhile.
      if (outcome.kind === 'lost') break
    }
    if (reasons.length === 0) reasons.push('There is no broker to ask.')
    return { kind: 'refused', reasons, kinds: ['Unanswered'] }
  }
}

/** Epoch 0: the broker that is asked finds the controller. */
const caller = { principal: '', controllerEpoch: 0, timeoutMs: callMs }
