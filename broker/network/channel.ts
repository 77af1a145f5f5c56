import { connect, createServer, Socket, type SocketConstructorOpts } from 'node:net'
import type { Clock } from '../../runtime/clock.ts'
import { deferred } from '../../runtime/deferred.ts'

/**
 * How bytes come in from a socket. The fast way is one buffer that all connections read into, one after the other: what
 * arrives is used or copied before the next read. Node offers it only to sockets made with the option
 * `onread`, so an accepted socket's handle moves to a new one. Where that does not work, and on sockets that are not
 * plain TCP, chunks come in buffers of their own.
 */
export interface Channel {
  readonly socket: Socket
  /** `receiver.received` is called until `pause`. */
  resume(): void
  pause(): void
}

export interface Receiver {
  /** Bytes 0 to `length` of `chunk`, which are gone when this returns. False: pause. */
  received(chunk: Buffer, length: number): boolean
}

export const sharedReadBytes = 256 * 1024

/** Takes over an accepted, paused socket; it stays paused. Without `shared`, or when it does not work, chunks are separate. */
export function openChannel(accepted: Socket, shared: Buffer | undefined, receiver: Receiver): Channel {
  const handle = shared === undefined ? undefined : detach(accepted)
  return shared !== undefined && handle !== undefined
    ? sharedChannel(handle, shared, receiver)
    : separateChannel(accepted, receiver)
}

function sharedChannel(handle: Handle, shared: Buffer, receiver: Receiver): Channel {
  const options: Omit<SocketConstructorOpts, 'handle'> & Undocumented = {
    handle,
    pauseOnCreate: true,
    // A client that has finished sending still gets the answers that are ready; the connection closes itself then.
    allowHalfOpen: true,
    onread: { buffer: shared, callback: length => receiver.received(shared, length) },
  }
  const socket = new Socket(options as unknown as SocketConstructorOpts)
  return {
    socket,
    resume: () => {
      socket.resume()
    },
    pause: () => {
      socket.pause()
    },
  }
}

function separateChannel(socket: Socket, receiver: Receiver): Channel {
  socket.on('data', (chunk: Buffer) => {
    if (!receiver.received(chunk, chunk.length)) socket.pause()
  })
  socket.pause()
  return {
    socket,
    resume: () => {
      socket.resume()
    },
    pause: () => {
      socket.pause()
    },
  }
}

/** What an accepted socket has inside; not part of Node's documented interface, hence `sharedReadWorks`. */
interface Handle {
  readonly reading: boolean
  useUserBuffer(buffer: Buffer): void
  readStart(): number
}

interface Undocumented {
  readonly handle: Handle
  readonly pauseOnCreate: boolean
}

interface Inside {
  _handle: Handle | null | undefined
  _server: { _connections: number } | null | undefined
}

function detach(accepted: Socket): Handle | undefined {
  const inside = accepted as unknown as Inside
  const handle = inside._handle
  if (typeof handle?.useUserBuffer !== 'function') return undefined
  // The server counts its sockets, and waits for them when it closes: this one will never tell it that it is gone.
  const server = inside._server
  if (server !== undefined && server !== null) server._connections--
  inside._server = null
  inside._handle = null
  return handle
}

let tested: Promise<boolean> | undefined

/** Whether this Node reads into a shared buffer as we expect it to: tried once, over a real connection. */
export function sharedReadWorks(clock: Clock): Promise<boolean> {
  tested ??= trySharedRead(clock).catch(() => false)
  return tested
}

async function trySharedRead(clock: Clock): Promise<boolean> {
  const shared = Buffer.alloc(64)
  const outcome = deferred<boolean>()
  const opened: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, accepted => {
    const channel = openChannel(accepted, shared, {
      received(chunk, length) {
        const right = chunk === shared && chunk.toString('latin1', 0, length) === 'ping'
        channel.socket.write('pong')
        if (!right) outcome.resolve(false)
        return true
      },
    })
    opened.push(channel.socket)
    channel.socket.on('error', () => outcome.resolve(false))
    channel.resume()
  })
  const deadline = clock.after(1000, () => outcome.resolve(false))
  try {
    server.on('error', () => outcome.resolve(false))
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const client = connect({
        host: '127.0.0.1',
        port: typeof address === 'object' ? (address?.port ?? 0) : 0,
      })
      opened.push(client)
      client.on('error', () => outcome.resolve(false))
      client.on('data', answer => outcome.resolve(answer.toString('latin1') === 'pong'))
      client.write('ping')
    })
    return await outcome.promise
  } finally {
    deadline.cancel()
    for (const socket of opened) socket.destroy()
    server.close()
  }
}
