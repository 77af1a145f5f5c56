import { apiVersionsHandler } from '../../broker/api/api-versions.ts'
import { Dispatcher } from '../../broker/api/dispatch.ts'
import { apiHandlers, type ApiHandler, type ApiHandlers } from '../../broker/api/handler.ts'
import { Network, type NetworkParts, type NetworkSettings } from '../../broker/network/network.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { EndOfTurn } from '../../runtime/end-of-turn.ts'
import { type Logger, silentLogger } from '../../runtime/logger.ts'

/** Kafka's defaults. */
export const networkSettings: NetworkSettings = {
  'socket.request.max.bytes': 104_857_600,
  'socket.listen.backlog.size': 50,
  'queued.max.request.bytes': -1,
  'connections.max.idle.ms': 600_000,
  'max.connections': 2 ** 31 - 1,
  'max.connections.per.ip': 2 ** 31 - 1,
  'max.connections.per.ip.overrides': '',
  'max.connection.creation.rate': 2 ** 31 - 1,
}

export interface TestNetwork {
  readonly network: Network
  readonly dispatcher: Dispatcher
  readonly turn: EndOfTurn
  readonly port: number
  readonly stop: () => Promise<void>
}

/** A network on a free port of the loopback that serves the given handlers, and ApiVersions. */
export async function startNetwork(
  handlers: readonly ApiHandler[],
  options: {
    readonly settings?: Partial<NetworkSettings>
    readonly limits?: NetworkParts['limits']
    readonly clock?: Clock
    readonly logger?: Logger
    readonly sharedRead?: boolean
    readonly turn?: EndOfTurn
  } = {},
): Promise<TestNetwork> {
  const { clock = systemClock, logger = silentLogger, turn = new EndOfTurn(), limits, sharedRead } = options
  let served: ApiHandlers = new Map()
  const features = { supported: [], finalized: [], finalizedEpoch: 0 }
  served = apiHandlers([apiVersionsHandler({ served: () => served, features: () => features }), ...handlers])
  const dispatcher = new Dispatcher({ handlers: served, clock, logger })
  const settings = { ...networkSettings, ...options.settings }
  const network = await Network.open({
    listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 0 }],
    settings: () => settings,
    dispatcher,
    turn,
    clock,
    logger,
    ...(limits === undefined ? {} : { limits }),
    ...(sharedRead === undefined ? {} : { sharedRead }),
  })
  return {
    network,
    dispatcher,
    turn,
    port: network.listeners[0]?.port ?? 0,
    stop: () => network.stop(0),
  }
}
