import { createConnection, createServer, type Socket } from 'node:net'

/** Stands between a client and one server, and loses what it is told to lose. */
export class Proxy {
  /** While true nothing of what the server answers gets through; it is kept for nobody. */
  losesAnswers = false
  /** While true new connections are ended at once. */
  refusesConnections = false
  readonly #targetPort: number
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer(client => {
    if (this.refusesConnections) {
      client.destroy()
      return
    }
    const target = createConnection(this.#targetPort, '127.0.0.1')
    this.#forward(client, target, () => true)
    this.#forward(target, client, () => !this.losesAnswers)
  })

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
  }

  static async to(targetPort: number, { host = '127.0.0.1', port = 0 } = {}): Promise<Proxy> {
    const proxy = new Proxy(targetPort)
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(port, host, resolve)
    })
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Ends all connections there are; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #forward(from: Socket, to: Socket, passes: () => boolean): void {
    this.#sockets.add(from)
    from.on('data', chunk => {
      if (passes()) to.write(chunk)
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }
}
