/** A socket that sends frames and pairs answers with requests by their order, or sends any bytes at all. */
import { type Socket, connect } from 'node:net'
import { once } from 'node:events'
import { requestFrame } from './wire.ts'

interface Waiting {
  resolve(payload: Buffer): void
  reject(error: Error): void
}

export class WireConnection {
  readonly socket: Socket
  #waiting: Waiting[] = []
  #pieces: Buffer[] = []
  #length = 0
  /** Bytes that must have come before there is anything to do. */
  #needed = 4
  #correlationId = 0
  #closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => this.#take(chunk))
    socket.on('error', () => {}) // 'close' follows
    this.#closed = new Promise(resolve => {
      socket.once('close', () => {
        for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error('The connection was closed.'))
        resolve()
      })
    })
  }

  /** Rejects when nothing listens there, or when `signal` aborts first. */
  static async open(port: number, host = '127.0.0.1', signal?: AbortSignal): Promise<WireConnection> {
    const socket = connect({ port, host, noDelay: true })
    try {
      await once(socket, 'connect', signal === undefined ? {} : { signal })
    } catch (error) {
      socket.destroy()
      throw error
    }
    return new WireConnection(socket)
  }

  /** Resolves when either side has closed the connection. */
  get closed(): Promise<void> {
    return this.#closed
  }

  /** The answer's payload, which begins with the correlation id. */
  request(apiKey: number, version: number, body: Buffer): Promise<Buffer> {
    return this.exchange(requestFrame(apiKey, version, ++this.#correlationId, body))
  }

  /** Sends a frame made elsewhere and waits for the next answer. */
  exchange(frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new Error('The connection was closed.'))
        return
      }
      this.#waiting.push({ resolve, reject })
      this.socket.write(frame)
    })
  }

  close(): void {
    this.socket.destroy()
  }

  /** Pieces are joined once a whole answer is there, so that large answers are copied once. */
  #take(chunk: Buffer): void {
    this.#pieces.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#needed) return
    const received = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces)
    let position = 0
    this.#needed = 4
    while (received.length - position >= 4) {
      const end = position + 4 + received.readInt32BE(position)
      if (received.length < end) {
        this.#needed = end - position
        break
      }
      this.#waiting.shift()?.resolve(received.subarray(position + 4, end))
      position = end
    }
    const rest = received.subarray(position)
    this.#pieces = rest.length > 0 ? [rest] : []
    this.#length = rest.length
  }
}
