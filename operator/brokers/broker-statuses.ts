/** What every broker says of itself over gRPC, which it does also while it starts. */
import { brokerStatusMethod, decodeStatus, encodeStatusRequest } from '../../broker/control/broker-status.ts'
import { ControlConnections } from '../../broker/control/control-client.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ToldStatus } from '../reconcile/observed-cluster.ts'
import type { ControlAddress } from './control-grants.ts'

/** Short, for a reconciliation waits for it; who does not answer is asked again by the next one. */
const answerMs = 1000

export class BrokerStatuses {
  readonly #addressOf: (broker: number) => ControlAddress
  readonly #connections: ControlConnections

  constructor(addressOf: (broker: number) => ControlAddress, clock: Clock) {
    this.#addressOf = addressOf
    this.#connections = new ControlConnections({ tls: () => null, clock })
  }

  /** Of those brokers that answer. Never rejects. */
  async ask(brokers: readonly number[]): Promise<ReadonlyMap<number, ToldStatus>> {
    this.#connections.keepOnly(brokers.map(this.#addressOf))
    const told = await Promise.all(brokers.map(async broker => [broker, await this.#askOne(broker)] as const))
    return new Map(told.flatMap(([broker, status]) => (status === undefined ? [] : [[broker, status]])))
  }

  close(): void {
    this.#connections.close()
  }

  async #askOne(broker: number): Promise<ToldStatus | undefined> {
    const { name } = brokerStatusMethod
    const nobody = new AbortController().signal
    const outcome = await this.#connections.call(
      this.#addressOf(broker),
      name,
      encodeStatusRequest(),
      answerMs,
      nobody,
    )
    if (outcome.kind !== 'answered') return undefined
    const { state, logDirectories } = decodeStatus(outcome.bytes)
    return { isRecovering: state === 'recovering', logDirectories }
  }
}
