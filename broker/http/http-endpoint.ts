import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Logger } from '../../runtime/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'

// Not imported: importing all of node:http by name loads the whole fetch client with it, a tenth of the start-up time.
const { createServer } = process.getBuiltinModule('node:http')

/**
 * What people and machines ask a broker about itself: /metrics, /healthz, /readyz. Answers only GET and HEAD, reads no
 * bodies, and serves few connections for a short time each, so that it can be left open.
 */
export class HttpEndpoint {
  readonly #parts: HttpParts
  readonly #server: Server

  private constructor(parts: HttpParts) {
    this.#parts = parts
    this.#server = createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: 65_000,
        connectionsCheckingInterval: 5000,
      },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          parts.logger.error({ err: error, path: request.url }, 'Answering over HTTP failed.')
          if (!response.headersSent) sendText(response, 500, 'This failed; the log says why.\n')
          else response.destroy()
        })
      },
    )
    this.#server.maxConnections = 64
    this.#server.timeout = idleTimeoutMs
  }

  /** Resolves when it answers. An empty host means all addresses, port 0 any free one. */
  static async open(host: string, port: number, parts: HttpParts): Promise<HttpEndpoint> {
    const endpoint = new HttpEndpoint(parts)
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => {
        reject(
          new Error(`The HTTP endpoint cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
        )
      }
      endpoint.#server.once('error', refuse)
      endpoint.#server.listen({ host: host === '' ? undefined : host, port, backlog: 64 }, () => {
        endpoint.#server.off('error', refuse)
        endpoint.#server.on('error', error =>
          parts.logger.warn({ err: error }, 'The HTTP endpoint has a problem.'),
        )
        resolve()
      })
    })
    return endpoint
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async stop(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Whatever comes as a body is not looked at.
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      sendText(response, 405, 'Only GET and HEAD are answered here.\n')
      return
    }
    const path = (request.url ?? '/').replace(/\?.*$/s, '')
    switch (path) {
      case '/metrics': {
        const { metrics } = this.#parts
        const { contentType, text } = await metrics.expose()
        send(response, 200, contentType, text)
        return
      }
      case '/healthz':
        sendHealth(response, this.#parts.health.alive(), 'alive')
        return
      case '/readyz':
        sendHealth(response, this.#parts.health.ready(), 'ready')
        return
      default:
        sendText(response, 404, 'There are /metrics, /healthz and /readyz.\n')
    }
  }
}

export interface HttpParts {
  readonly metrics: Metrics
  readonly health: Health
  readonly logger: Logger
}

interface Health {
  /** Why the process should be restarted; empty when it lives. */
  alive(): readonly HealthReason[]
  /** Why clients should not be sent here yet; empty when they may. */
  ready(): readonly HealthReason[]
}

export interface HealthReason {
  /** One CamelCase word that programs can compare: "RecoveringLogs". */
  readonly reason: string
  /** A sentence for people. */
  readonly message: string
  /** Figures, such as how much is left to do. */
  readonly details?: Readonly<Record<string, string | number>>
}

const requestTimeoutMs = 10_000
const idleTimeoutMs = 75_000

/** 200 when there are no reasons, else 503 with them. */
function sendHealth(
  response: ServerResponse,
  reasons: readonly HealthReason[],
  what: 'alive' | 'ready',
): void {
  const good = reasons.length === 0
  send(
    response,
    good ? 200 : 503,
    'application/json; charset=utf-8',
    `${JSON.stringify({ [what]: good, reasons })}\n`,
  )
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', text)
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  // Node leaves the body out where the request is a HEAD.
  response.end(body)
}
