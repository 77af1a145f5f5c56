/** A door to a server that speaks HTTP: the API server, or a member of etcd. Streams pass as they come. */
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Gate } from './gate.ts'

/**
 * away: connections break. refusing: they break, and then every other request is refused, in turn with 429 and 500. silent:
 * watches that are open hear nothing any more, and are not told that it is so.
 */
export type Trouble = 'none' | 'away' | 'refusing' | 'silent'

export interface HttpDoorParts {
  readonly gate: Gate
  /** Undefined: no write. */
  readonly writeOf: (request: IncomingMessage) => string | undefined
  /** Where a request goes, asked for each. */
  readonly target: () => Promise<RequestOptions & { readonly protocol: 'http:' | 'https:' }>
}

export class HttpDoor {
  readonly #parts: HttpDoorParts
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy())
  })
  #trouble: Trouble = 'none'
  #requests = 0
  /** Answers to watches that are open, and what they come from. */
  readonly #watches = new Map<ServerResponse, IncomingMessage>()

  private constructor(parts: HttpDoorParts) {
    this.#parts = parts
  }

  static async open(host: string, port: number, parts: HttpDoorParts): Promise<HttpDoor> {
    const door = new HttpDoor(parts)
    await new Promise<void>((resolve, reject) => {
      door.#server.once('error', reject).listen(port, host, resolve)
    })
    return door
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  make(trouble: Trouble): void {
    this.#trouble = trouble
    if (trouble === 'away' || trouble === 'refusing') this.#server.closeAllConnections()
    if (trouble !== 'silent') return
    for (const [response, from] of this.#watches) {
      from.unpipe(response)
      from.resume()
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#trouble === 'away') {
      request.destroy()
      return
    }
    if (this.#trouble === 'refusing' && ++this.#requests % 2 === 0) {
      request.resume()
      const isThrottled = this.#requests % 4 === 0
      response.writeHead(isThrottled ? 429 : 500, isThrottled ? { 'Retry-After': '1' } : {})
      response.end(JSON.stringify({ kind: 'Status', message: 'refused by the test', reason: 'Test' }))
      return
    }
    const body = await read(request)
    const write = this.#parts.writeOf(request)
    if (write === undefined) {
      const answer = await this.#forward(request, body)
      const { statusCode = 502, headers } = answer
      response.writeHead(statusCode, headers)
      answer.on('error', () => response.destroy())
      response.on('close', () => {
        answer.destroy()
        this.#watches.delete(response)
      })
      if (request.url?.includes('watch=true') === true) this.#watches.set(response, answer)
      response.flushHeaders()
      answer.pipe(response)
      return
    }
    const { answer, text } = await this.#parts.gate.pass(write, async () => {
      const got = await this.#forward(request, body)
      return { answer: got, text: await read(got) }
    })
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.end(text)
  }

  async #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { protocol, ...target } = await this.#parts.target()
    const send = protocol === 'https:' ? httpsRequest : httpRequest
    const { host: _, connection: __, ...others } = headers
    return new Promise((resolve, reject) => {
      const options = { ...target, method, path: url, headers: others, agent: false }
      send(options, resolve).on('error', reject).end(body)
    })
  }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces)
}
