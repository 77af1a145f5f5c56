/** What people and machines ask the operator about itself: /metrics, /healthz, /readyz. Reads no bodies. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthParts {
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  /** Why the process should be started again; empty when it lives. */
  readonly alive: () => readonly string[]
  /** Why it does not do its work yet; empty when it does. */
  readonly ready: () => readonly string[]
}

export class HealthServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** Port 0: any free one. */
  static async open(port: number, parts: HealthParts): Promise<HealthServer> {
    const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 8192 }, (request, response) => {
      request.resume()
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        answer(response, 405, 'text/plain', 'Only GET and HEAD are answered here.\n')
        return
      }
      switch ((request.url ?? '/').replace(/\?.*$/s, '')) {
        case '/healthz':
          return tell(response, parts.alive(), 'alive')
        case '/readyz':
          return tell(response, parts.ready(), 'ready')
        case '/metrics':
          parts.metrics().then(
            ({ contentType, text }) => answer(response, 200, contentType, text),
            (error: unknown) => answer(response, 500, 'text/plain', `${String(error)}\n`),
          )
          return
        default:
          answer(response, 404, 'text/plain', 'There are /metrics, /healthz and /readyz.\n')
      }
    })
    server.maxConnections = 64
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return new HealthServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

function tell(response: ServerResponse, reasons: readonly string[], what: 'alive' | 'ready'): void {
  const isGood = reasons.length === 0
  answer(response, isGood ? 200 : 503, 'application/json', `${JSON.stringify({ [what]: isGood, reasons })}\n`)
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
