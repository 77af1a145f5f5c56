import { connect, type Socket } from 'node:net'
import {
  type Api,
  type Decoded,
  decodeResponse,
  decodeResponseHeader,
  type Encodable,
  encodeRequest,
  encodeRequestHeader,
  Reader,
  Writer,
} from '../../protocol/index.ts'

/** A bare client of a broker: sends frames or any bytes, and gives out whole answers in the order they come. */
export class BrokerConnection {
  readonly socket: Socket
  readonly #frames: Buffer[] = []
  #rest: Buffer = Buffer.alloc(0)
  #waiting: { resolve(frame: Buffer): void; reject(error: Error): void }[] = []
  #nextCorrelationId = 1
  #closed = false
  /** Resolves when the connection has ended, from whichever side. */
  readonly closed: Promise<void>
  /** All bytes received so far. */
  bytesReceived = 0

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        this.#closed = true
        for (const waiting of this.#waiting) waiting.reject(new Error('The broker closed the connection.'))
        this.#waiting = []
        resolve()
      })
    })
    socket.on('error', () => undefined)
    socket.on('data', chunk => this.#received(chunk as Buffer))
  }

  static connect(port: number, host = '127.0.0.1'): Promise<BrokerConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new BrokerConnection(socket))
      })
    })
  }

  /** Sends a request and resolves with its answer, provided that no other answer is awaited out of order. */
  async request<Asked extends Api>(
    api: Asked,
    version: number,
    request: Encodable<Asked['request']>,
  ): Promise<Decoded<Asked['response']>> {
    const correlationId = this.#nextCorrelationId++
    this.send(frameOf(api, version, request, { correlationId }))
    const answer = readAnswer(api, version, await this.frame())
    if (answer.correlationId !== correlationId) {
      throw new Error(`The answer is for request ${answer.correlationId}, not ${correlationId}.`)
    }
    return answer.response
  }

  /** Bytes as they are. */
  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Resolves when the bytes have left this process. */
  sent(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, error => (error === undefined || error === null ? resolve() : reject(error)))
    })
  }

  /** The next answer's bytes, without its size; rejects when the connection ends first. */
  frame(): Promise<Buffer> {
    const frame = this.#frames.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    if (this.#closed) return Promise.reject(new Error('The broker closed the connection.'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }

  async frames(count: number): Promise<Buffer[]> {
    const frames: Buffer[] = []
    while (frames.length < count) frames.push(await this.frame())
    return frames
  }

  /** Stops taking bytes from the socket, so that the broker cannot send for long. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #received(chunk: Buffer): void {
    this.bytesReceived += chunk.length
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 4) {
      const end = 4 + bytes.readInt32BE(0)
      if (bytes.length < end) break
      const frame = bytes.subarray(4, end)
      bytes = bytes.subarray(end)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#frames.push(frame)
      else waiting.resolve(frame)
    }
    this.#rest = bytes
  }
}

/** A whole request with its size in front. */
export function frameOf<Asked extends Api>(
  api: Asked,
  version: number,
  request: Encodable<Asked['request']>,
  header: { readonly correlationId: number; readonly clientId?: string | null },
): Buffer {
  const writer = new Writer(1024)
  encodeRequestHeader(
    api,
    { apiVersion: version, correlationId: header.correlationId, clientId: header.clientId ?? 'test' },
    writer,
  )
  encodeRequest(api, version, request, writer)
  return framed(writer.finish())
}

/** Any bytes with their size in front. */
export function framed(body: Uint8Array, claimedSize = body.length): Buffer {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeInt32BE(claimedSize)
  frame.set(body, 4)
  return frame
}

export function readAnswer<Asked extends Api>(
  api: Asked,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly response: Decoded<Asked['response']> } {
  const reader = new Reader(frame)
  const correlationId = decodeResponseHeader(api, version, reader)
  const response = decodeResponse(api, version, reader)
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes follow the answer's end.`)
  return { correlationId, response }
}
