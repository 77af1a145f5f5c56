import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import type { ControlListener } from '../config/control-listeners.ts'
import type { ControllerClient } from '../controller/controller-client.ts'
import type { Pace } from '../controller/batch.ts'
import type { ControlAddress } from '../metadata/image.ts'
import type { ImageFollower } from '../metadata/image-follower.ts'
import {
  awaitRevisionHandler,
  awaitRevisionMethod,
  decodeRevisionReached,
  encodeRevisionAsked,
} from './await-revision.ts'
import { type BrokerStatus, brokerStatusHandler, brokerStatusMethod } from './broker-status.ts'
import { commandHandlers, type CommandHandlerParts } from './command-handlers.ts'
import { ControlConnections } from './control-client.ts'
import { ControlServer, mostRequestBytes } from './control-server.ts'
import type { ControlTls } from './control-tls.ts'
import {
  decodePositionsAnswer,
  describePositionsHandler,
  describePositionsMethod,
  encodePositionsAsked,
  type PositionAsked,
  type PositionAtLeader,
} from './describe-positions.ts'
import { forwardingController } from './forwarding-controller.ts'
import { healthService } from './health-service.ts'

/** A broker that takes longer to carry out a wave of changes is waited for no more, ms. */
const longestPaceMs = 500

/** This broker's control service and its calls of others': one server per listener, one way to the controller. */
export class Control {
  /** Commands go to the active controller, wherever it is. */
  readonly controller: ControllerClient
  readonly #servers: readonly ControlServer[]
  readonly #listeners: readonly ControlListener[]
  readonly #connections: ControlConnections
  readonly #images: ImageFollower
  readonly #brokerId: number
  readonly #unsubscribe: () => void

  private constructor(
    options: ControlOptions,
    connections: ControlConnections,
    controller: ControllerClient,
    servers: readonly ControlServer[],
  ) {
    this.controller = controller
    this.#servers = servers
    this.#listeners = options.listeners
    this.#connections = connections
    this.#images = options.images
    this.#brokerId = options.brokerId
    this.#unsubscribe = options.images.onChange((image, _, changed) => {
      if (changed.brokers.size === 0) return
      connections.keepOnly([...image.brokers.values()].flatMap(({ control }) => control ?? []))
    })
  }

  /** Resolves when calls are served on every listener. */
  static async open(options: ControlOptions): Promise<Control> {
    const { tls, clock, random, logger, images, local, brokerId } = options
    const connections = new ControlConnections({ tls, clock })
    const controller = forwardingController({
      brokerId,
      images,
      local,
      call: (address, method, request, withinMs, signal) =>
        connections.call(address, method, request, withinMs, signal),
      mostRequestBytes,
      clock,
      random,
    })
    const commands = commandHandlers({
      brokerId,
      logger,
      active: options.active,
      anywhere: controller,
      revision: () => images.image.revision,
    })
    const handlers = new Map([
      ...commands,
      [brokerStatusMethod.name, brokerStatusHandler(options.status)],
      [awaitRevisionMethod.name, awaitRevisionHandler(images, clock)],
      [describePositionsMethod.name, describePositionsHandler(options.positions)],
    ])
    const services = [healthService({ isReady: options.isReady, clock })]
    const servers: ControlServer[] = []
    try {
      for (const { host, port, tls: isTls } of options.listeners) {
        servers.push(
          await ControlServer.open({
            host,
            port,
            tls: isTls ? tls : null,
            clock,
            logger,
            handlers,
            services,
          }),
        )
      }
    } catch (error) {
      await Promise.all(servers.map(server => server.stop()))
      throw error
    }
    return new Control(options, connections, controller, servers)
  }

  /** The bound port of the first listener with or without TLS; 0 when there is none. */
  portOf(tls: boolean): number {
    const at = this.#listeners.findIndex(listener => listener.tls === tls)
    return this.#servers[at]?.port ?? 0
  }

  /** What another broker knows of positions in partitions that it leads, in order; undefined: it did not answer, or cannot. */
  async describePositions(
    brokerId: number,
    positions: readonly PositionAsked[],
    withinMs: number,
    signal: AbortSignal,
  ): Promise<readonly PositionAtLeader[] | undefined> {
    const address = this.#images.image.brokers.get(brokerId)?.control
    if (address === null || address === undefined) return undefined
    const { name } = describePositionsMethod
    const request = encodePositionsAsked(positions)
    const outcome = await this.#connections.call(address, name, request, withinMs, signal)
    return outcome.kind === 'answered' ? decodePositionsAnswer(outcome.bytes) : undefined
  }

  /**
   * A pace for changes that are made in waves: resolves when the other brokers have carried out what the metadata says at a
   * revision, or have had time enough. One that was late once is waited for no more.
   */
  pace(): Pace {
    const late = new Set<number>()
    return async revision => {
      const others = [...this.#images.image.brokers.values()].filter(
        ({ id, fenced }) => id !== this.#brokerId && !fenced && !late.has(id),
      )
      await Promise.all(
        others.map(async ({ id, control }) => {
          if (control === null || !(await this.#hasReached(control, revision))) late.add(id)
        }),
      )
    }
  }

  async #hasReached(address: ControlAddress, revision: number): Promise<boolean> {
    const request = encodeRevisionAsked(revision, longestPaceMs)
    const { name } = awaitRevisionMethod
    const { signal } = new AbortController()
    const outcome = await this.#connections.call(address, name, request, longestPaceMs + 100, signal)
    return outcome.kind === 'answered' && decodeRevisionReached(outcome.bytes) >= revision
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    await Promise.all(this.#servers.map(server => server.stop()))
    this.#connections.close()
  }
}

export interface ControlOptions extends Pick<CommandHandlerParts, 'active'> {
  readonly brokerId: number
  readonly listeners: readonly ControlListener[]
  /** The certificates for new connections, to others too. */
  readonly tls: () => ControlTls | null
  readonly images: ImageFollower
  /** The controller in this process. */
  readonly local: ControllerClient
  /** What the broker says of itself. */
  readonly status: () => BrokerStatus
  /** What it knows of positions in partitions that it leads. */
  readonly positions: (asked: readonly PositionAsked[]) => Promise<readonly PositionAtLeader[]>
  /** Whether clients are served. */
  readonly isReady: () => boolean
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}
