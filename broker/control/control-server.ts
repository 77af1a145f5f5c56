import { type AddressInfo, createServer, type Server as SocketServer, type Socket } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { pathOf } from './control-api.ts'
import { ControlRefusal, controlStatus } from './control-status.ts'
import { type ControlTls, serverCredentials } from './control-tls.ts'
import { MalformedMessage } from './proto-reader.ts'

/** Bytes of a request in, bytes of its answer out. Throws ControlRefusal or MalformedMessage to refuse. */
export type ControlHandler = (request: Buffer) => Promise<Buffer>

/** Largest request that is taken, in bytes. */
export const mostRequestBytes = 4 * 1024 * 1024
/** Largest answer, in bytes. */
export const mostAnswerBytes = 32 * 1024 * 1024

const mostConnections = 256
const callsEndWithinMs = 2000

const serverOptions: grpc.ServerOptions = {
  'grpc.max_receive_message_length': mostRequestBytes,
  'grpc.max_send_message_length': mostAnswerBytes,
  'grpc.max_concurrent_streams': 100,
  // Whoever connects and does not speak HTTP/2 answers no ping, and is let go.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_connection_idle_ms': 600_000,
  'grpc.enable_channelz': 0,
}

/**
 * gRPC on one address. Accepts connections itself, so that there are never too many of them; the rest is the
 * library's. Whatever comes in, the broker goes on.
 */
export class ControlServer {
  readonly #options: ControlServerOptions
  readonly #grpc = new grpc.Server(serverOptions)
  readonly #listener: SocketServer
  readonly #sockets = new Set<Socket>()
  #onLastClosed: (() => void) | undefined

  private constructor(options: ControlServerOptions) {
    this.#options = options
    const { handlers, services = [], tls, logger } = options
    this.#grpc.addService(unaryMethods([...handlers.keys()]), implementation(handlers, logger))
    for (const { methods, implementation: given } of services) this.#grpc.addService(methods, given)
    const injectors = new Map<ControlTls | null, grpc.ConnectionInjector>()
    const takeUp = (): grpc.ConnectionInjector => {
      const certificates = tls?.() ?? null
      let injector = injectors.get(certificates)
      if (injector === undefined) {
        injector = this.#grpc.createConnectionInjector(serverCredentials(certificates))
        // Connections made with earlier certificates go on; new ones are not made with them.
        injectors.clear()
        injectors.set(certificates, injector)
      }
      return injector
    }
    takeUp()
    this.#listener = createServer({ noDelay: true }, socket => {
      socket.on('error', error => logger.debug({ err: error }, 'A connection to the control service failed.'))
      // The listener's own bound does not count connections that HTTP/2 has taken over.
      if (this.#sockets.size >= mostConnections) {
        socket.destroy()
        return
      }
      this.#sockets.add(socket)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        if (this.#sockets.size === 0) this.#onLastClosed?.()
      })
      takeUp().injectConnection(socket)
    })
  }

  /** Resolves when calls are served. An empty host means all addresses, port 0 any free one. */
  static async open(options: ControlServerOptions): Promise<ControlServer> {
    const server = new ControlServer(options)
    const listener = server.#listener
    const { host, port, logger } = options
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => {
        const sentence = `The control service cannot listen on ${host}:${port}: ${error.message}`
        reject(new Error(sentence, { cause: error }))
      }
      listener.once('error', refuse)
      listener.listen({ host: host === '' ? undefined : host, port, backlog: 256 }, () => {
        listener.off('error', refuse)
        resolve()
      })
    })
    listener.on('error', error => logger.warn({ err: error }, 'The control service has a problem.'))
    return server
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#listener.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Takes no more calls, lets those at work end for a while, then closes every connection. */
  async stop(): Promise<void> {
    const { clock, logger } = this.#options
    // A connection goes when its last call is answered; the library itself does not wait for that.
    this.#listener.close()
    const closed = new Promise<void>(resolve => {
      this.#onLastClosed = resolve
      if (this.#sockets.size === 0) resolve()
    })
    this.#grpc.tryShutdown(() => undefined)
    const timer = clock.after(callsEndWithinMs, () => {
      logger.warn(
        { connections: this.#sockets.size },
        'Calls to the control service were cut off by the stop.',
      )
      this.#grpc.forceShutdown()
      for (const socket of this.#sockets) socket.destroy()
    })
    await closed
    timer.cancel()
  }
}

export interface ControlServerOptions {
  readonly host: string
  readonly port: number
  /** The certificates for new connections; null: no TLS. */
  readonly tls: (() => ControlTls | null) | null
  readonly clock: Clock
  readonly logger: Logger
  /** By the name of the method of `Control`. */
  readonly handlers: ReadonlyMap<string, ControlHandler>
  /** Other services beside it. */
  readonly services?: readonly {
    readonly methods: grpc.ServiceDefinition
    readonly implementation: grpc.UntypedServiceImplementation
  }[]
}

/** Bytes pass as they are: what is wrong with them is told by us. */
export const asBytes = {
  requestSerialize: (bytes: Buffer): Buffer => bytes,
  requestDeserialize: (bytes: Buffer): Buffer => bytes,
  responseSerialize: (bytes: Buffer): Buffer => bytes,
  responseDeserialize: (bytes: Buffer): Buffer => bytes,
} as const

function unaryMethods(names: readonly string[]): grpc.ServiceDefinition {
  return Object.fromEntries(
    names.map(name => [
      name,
      { path: pathOf(name), requestStream: false, responseStream: false, ...asBytes },
    ]),
  )
}

function implementation(
  handlers: ReadonlyMap<string, ControlHandler>,
  logger: Logger,
): grpc.UntypedServiceImplementation {
  const unary =
    (method: string, handle: ControlHandler): grpc.handleUnaryCall<Buffer, Buffer> =>
    (call, answer) => {
      handle(call.request).then(
        bytes => answer(null, bytes),
        (error: unknown) => answer(statusOf(error, method, logger)),
      )
    }
  return Object.fromEntries([...handlers].map(([name, handle]) => [name, unary(name, handle)]))
}

function statusOf(
  error: unknown,
  method: string,
  logger: Logger,
): { readonly code: number; readonly details: string } {
  if (error instanceof ControlRefusal) return { code: error.status, details: error.message }
  if (error instanceof MalformedMessage)
    return { code: controlStatus.invalidArgument, details: error.message }
  logger.error({ err: error, method }, 'A call of the control service failed.')
  return { code: controlStatus.internal, details: `${method} failed; the broker's log says why.` }
}
