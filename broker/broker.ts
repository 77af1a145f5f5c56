import type { Uuid } from '../protocol/index.ts'
import { assert } from '../runtime/assert.ts'
import { sleep } from '../runtime/clock.ts'
import type { BrokerParts } from './broker-parts.ts'
import { parseHttpListener } from './config/check-broker-settings.ts'
import { waitForRestart } from './controller/wait-for-restart.ts'
import { HttpEndpoint } from './http/http-endpoint.ts'
import type { BrokerListener, ControlAddress } from './metadata/image.ts'
import { Metrics } from './metrics/metrics.ts'
import { isNameGone } from './network/name-gone.ts'
import type { Replication } from './open-replication.ts'
import { type RunningBroker, runBroker } from './run-broker.ts'
import { StartingHealth } from './starting-health.ts'

const answersLeaveWithinMs = 5000

/** When the controller is gone, another may come after a session timeout and this. */
const electionTakesMs = 3000

/**
 * One broker: makes the parts in order, connects them, and stops them in reverse. Whoever starts it gives it the
 * doors (clock, chance, disk, end of the turn), so that a whole broker can run in a test.
 */
export class Broker {
  readonly #parts: BrokerParts
  readonly #http: readonly HttpEndpoint[]
  readonly #running: RunningBroker
  #stopped: Promise<void> | undefined

  private constructor(parts: BrokerParts, http: readonly HttpEndpoint[], running: RunningBroker) {
    this.#parts = parts
    this.#http = http
    this.#running = running
  }

  /** Resolves when clients are served. Rejects with a sentence when that is not possible. */
  static async start(parts: BrokerParts): Promise<Broker> {
    const health = new StartingHealth()
    const metrics = new Metrics()
    const http: HttpEndpoint[] = []
    for (const address of parts.loaded.settings['http.listeners']) {
      const listener = parseHttpListener(address)
      assert(listener !== undefined, 'The addresses in http.listeners were checked when they were loaded.', {
        address,
      })
      http.push(
        await HttpEndpoint.open(listener.host, listener.port, { metrics, health, logger: parts.logger }),
      )
    }
    const opened: (() => Promise<unknown>)[] = http.map(endpoint => () => endpoint.stop())
    try {
      const running = await runBroker(parts, metrics, health, opened)
      return new Broker(parts, http, running)
    } catch (error) {
      for (const close of opened.reverse()) await close()
      throw error
    }
  }

  /** As clients reach them. */
  get listeners(): readonly BrokerListener[] {
    return this.#running.advertised
  }

  get httpPorts(): readonly number[] {
    return this.#http.map(({ port }) => port)
  }

  /** Where other brokers are told that the control service answers; null where there is none. */
  get controlAddress(): ControlAddress | null {
    return this.#running.controlAddress
  }

  /** Where the control service answers, without TLS if it can; 0 where there is none. */
  get controlPort(): number {
    const { control } = this.#running
    return control?.portOf(false) || control?.portOf(true) || 0
  }

  get clusterId(): Uuid {
    return this.#running.membership.clusterId
  }

  /** Its replicas, for whoever looks at them from within the process. */
  get replication(): Replication {
    return this.#running.replication
  }

  /**
   * Waits until it may be away if it is to ask, hands over what it leads, lets answers leave, writes and syncs everything, and
   * marks the stop as clean.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const {
      network,
      partitions,
      replication,
      groupCoordinator,
      logs,
      cleaner,
      membership,
      control,
      store,
      health,
      waitingFetches,
    } = this.#running
    const [mayHandOver] = await Promise.all([this.#waitUntilItMayStop(), this.#waitUntilItIsForgotten()])
    health.stopping()
    const { settings } = this.#parts.loaded
    if (settings['controlled.shutdown.enable'] && mayHandOver)
      await membership.prepareToStop(settings['broker.session.timeout.ms'] + electionTakesMs)
    for (const answerNow of waitingFetches) answerNow()
    groupCoordinator.close()
    await network.stop(answersLeaveWithinMs)
    await replication.stop()
    partitions.close()
    this.#parts.turn.flush()
    await cleaner.stop()
    await logs.checkpoint()
    const brokerEpoch = membership.brokerEpoch
    await logs.close({ clean: true, ...(brokerEpoch === undefined ? {} : { brokerEpoch }) })
    await membership.leave({ clean: true })
    await control?.stop()
    await store.close()
    await Promise.all(this.#http.map(endpoint => endpoint.stop()))
  }

  async #waitUntilItIsForgotten(): Promise<void> {
    const { clock, loaded } = this.#parts
    const delayMs = loaded.settings['controlled.shutdown.delay.ms']
    if (delayMs > 0) await sleep(clock, delayMs)
  }

  /** Resolves to whether somebody stays who could take over. */
  async #waitUntilItMayStop(): Promise<boolean> {
    const { clock, random, logger, loaded } = this.#parts
    const { settings } = loaded
    const withinMs = settings['controlled.shutdown.grant.wait.ms']
    if (withinMs === 0) return true
    const silenceMs = settings['broker.session.timeout.ms'] + electionTakesMs
    const name = settings['controlled.shutdown.grant.name']
    return waitForRestart(this.#running.membership, {
      brokerId: settings['node.id'],
      withinMs,
      silenceMs,
      isRemoved: async () => name !== null && (await isNameGone(name)),
      clock,
      random,
      logger,
    })
  }
}
