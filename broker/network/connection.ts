import type { Socket } from 'node:net'
import { ProtocolError } from '../../protocol/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import { type Dispatcher, RequestRefused } from '../api/dispatch.ts'
import type { Exchange, ExchangeOwner } from '../api/exchange.ts'
import type { ClientSoftware } from '../api/request-context.ts'
import { AnswerBuffers, type FilledBuffer } from './answer-buffers.ts'
import type { BufferPool } from './buffer-pool.ts'
import { type Channel, openChannel, type Receiver } from './channel.ts'
import { BadFrame, FrameReader, type FrameSink } from './frame-reader.ts'
import type { LimitedLog } from './limited-log.ts'
import type { Holder, MemoryBudget } from './memory-budget.ts'
import type { CloseKind, NetworkStats } from './network-stats.ts'
import type { RequestLimits } from './request-limits.ts'

/**
 * One client connection: frames in, answers out in the order of their requests.
 *
 * Requests are started in order as they arrive, without waiting for earlier answers, up to a bound. Answers that are ready
 * are encoded at once, those that must wait for an earlier one later; what a turn produced is given to the socket
 * at the turn's end. Reading stops while too many requests are in work, too many bytes unsent, the connection is muted, or memory
 * is short; so neither a client that sends without end nor one that never reads makes anything grow.
 */
export class Connection implements ExchangeOwner, Receiver, FrameSink, Holder {
  readonly id: string
  readonly listenerName: string
  readonly clientAddress: string
  principal = 'User:ANONYMOUS'
  clientSoftware: ClientSoftware | undefined
  charged = 0
  lastMovedMs: number
  readonly #parts: ConnectionParts
  readonly #channel: Channel
  readonly #socket: Socket
  readonly #frames: FrameReader
  readonly #answers: AnswerBuffers
  /** Requests not yet answered, in order; those before `#lineStart` are gone. */
  #line: Exchange[] = []
  #lineStart = 0
  #lineBytes = 0
  #unsentBytes = 0
  /** Of this turn, one linked to the other: their answers are encoded and not yet with the socket. */
  #encoded: Exchange | undefined
  /** Too much is unsent; stays until most of it has left. */
  #backedUp = false
  #muted: Timer | undefined
  #reading = false
  /** Frames are being handed on right now: do not begin again from within. */
  #handing = false
  #sendQueued = false
  #state: 'open' | 'draining' | 'closing' | 'gone' = 'open'
  #finishing = false
  #closeDeadline: Timer | undefined
  #abort: AbortController | undefined

  constructor(accepted: Socket, identity: ConnectionIdentity, parts: ConnectionParts) {
    this.id = identity.id
    this.listenerName = identity.listenerName
    this.clientAddress = identity.clientAddress
    this.#parts = parts
    this.lastMovedMs = parts.clock.monotonicMs()
    this.#frames = new FrameReader({
      pool: parts.pool,
      maxFrameBytes: parts.limits.requestBytes,
      listenerName: identity.listenerName,
      sink: this,
    })
    this.#answers = new AnswerBuffers(parts.pool)
    this.#channel = openChannel(accepted, parts.sharedRead, this)
    this.#socket = this.#channel.socket
    this.#socket.on('end', () => this.#close('peer', 'the client closed it', true))
    this.#socket.on('error', error => this.#close('error', `the socket failed: ${error.message}`, false))
    this.#socket.on('close', () => this.#gone())
  }

  /** Begins to read. */
  start(): void {
    this.#goOn()
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#state === 'gone') this.#abort.abort()
    return this.#abort.signal
  }

  get requestsInWork(): number {
    return this.#line.length - this.#lineStart
  }

  /** Nothing is in work and no byte moved since `sinceMs`. */
  isIdle(sinceMs: number): boolean {
    return this.requestsInWork === 0 && this.lastMovedMs <= sinceMs
  }

  close(reason: string): void {
    this.#close('handler', reason, true)
  }

  closeIdle(idleMs: number): void {
    this.#close('idle', `it was idle for ${idleMs} ms`, true)
  }

  evict(reason: string): void {
    this.#close('memory', reason, false)
  }

  /** Starts no more requests, lets those in work be answered, then closes. */
  finish(): void {
    this.#finishing = true
    this.#goOn()
    this.#closeWhenFinished()
  }

  /** Closes at once, whatever is unsent. */
  destroy(): void {
    this.#close('stopped', 'the broker stops', false)
  }

  // --- what comes in

  received(chunk: Buffer, length: number): boolean {
    if (this.#state !== 'open') return false
    this.lastMovedMs = this.#parts.clock.monotonicMs()
    this.#parts.stats.bytesIn += length
    this.#handOn(() => this.#frames.push(chunk, length))
    this.#reading = this.#mayRead()
    return this.#reading
  }

  get closed(): boolean {
    return this.#state !== 'open'
  }

  get memoryIsShort(): boolean {
    return !this.#parts.budget.allows(this)
  }

  mayStart(size: number): boolean {
    if (this.#state !== 'open' || this.#finishing || this.#muted !== undefined || this.#backedUp) return false
    const inWork = this.requestsInWork
    if (inWork === 0) return this.#unsentBytes === 0 || !this.#parts.budget.exhausted
    const { requestsInWork, requestBytesInWork } = this.#parts.limits
    return (
      inWork < requestsInWork &&
      (this.#lineBytes === 0 || this.#lineBytes + size <= requestBytesInWork) &&
      !this.#parts.budget.exhausted
    )
  }

  frame(bytes: Buffer, start: number, end: number): void {
    const { dispatcher, budget, stats } = this.#parts
    budget.finished(this)
    const exchange = dispatcher.start(bytes, start, end, this, this.lastMovedMs)
    if (exchange.state !== 'waiting' && this.requestsInWork === 0) {
      this.#leave(exchange)
      return
    }
    exchange.inLine = true
    this.#line.push(exchange)
    this.#lineBytes += exchange.heldBytes
    stats.requestsInWork++
  }

  #handOn(handOn: () => void): void {
    this.#handing = true
    try {
      handOn()
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#handing = false
    }
    this.#account()
  }

  #refuse(error: unknown): void {
    if (error instanceof BadFrame) this.#close('badFrame', error.message, true)
    else if (error instanceof RequestRefused) this.#close(error.kind, error.message, true)
    else if (error instanceof ProtocolError) this.#close('badRequest', error.message, true)
    else {
      this.#parts.logger.error(
        { err: error, connection: this.id },
        'Handling a connection failed unexpectedly.',
      )
      this.#close('bug', 'handling it failed unexpectedly', false)
    }
  }

  #mayRead(): boolean {
    if (this.#state !== 'open' || this.#finishing || this.#muted !== undefined) return false
    const { limits, budget } = this.#parts
    if (this.#backedUp || this.#frames.blocked || this.requestsInWork >= limits.requestsInWork) return false
    if (this.charged === 0 || budget.allows(this)) return true
    budget.standInLine(this)
    return false
  }

  roomAgain(): void {
    this.lastMovedMs = this.#parts.clock.monotonicMs()
    this.#goOn()
  }

  /** Something that may have held up reading has changed. */
  #goOn(): void {
    if (this.#handing || this.#state !== 'open') return
    if (this.#frames.blocked) this.#handOn(() => this.#frames.resume())
    else this.#account()
    const wanted = this.#mayRead()
    if (wanted === this.#reading) return
    this.#reading = wanted
    if (wanted) this.#channel.resume()
    else this.#channel.pause()
  }

  #account(): void {
    const bytes = Math.max(
      0,
      this.#frames.heldCapacity + this.#lineBytes + this.#unsentBytes - this.#parts.limits.freeBytes,
    )
    if (bytes === this.charged) return
    const { budget } = this.#parts
    budget.charge(this, bytes)
    if (budget.used > 2 * budget.limit && this.#state === 'open') {
      this.evict(
        `memory for requests and answers is used up twice over and this connection holds ${bytes} bytes`,
      )
    }
  }

  // --- what goes out

  settled(exchange: Exchange): void {
    this.#parts.dispatcher.settled(exchange)
    if (this.#line[this.#lineStart] === exchange) this.#drain()
  }

  /** Lets the answers leave whose turn it is. */
  #drain(): void {
    while (!this.#backedUp) {
      const exchange = this.#line[this.#lineStart]
      if (exchange === undefined || exchange.state === 'waiting') break
      this.#lineStart++
      if (this.#lineStart === this.#line.length || this.#lineStart > 1024) {
        this.#line = this.#line.slice(this.#lineStart)
        this.#lineStart = 0
      }
      exchange.inLine = false
      this.#lineBytes -= exchange.heldBytes
      this.#parts.stats.requestsInWork--
      this.#leave(exchange)
    }
    this.#goOn()
    this.#closeWhenFinished()
  }

  /** The exchange is settled and all before it have left. */
  #leave(exchange: Exchange): void {
    if (exchange.state === 'answered') this.#encode(exchange)
    else this.#parts.dispatcher.finish(exchange)
    if (exchange.state === 'refused') this.#close('handler', exchange.refusal, true)
    else if (exchange.muteForMs > 0) this.#mute(exchange.muteForMs)
  }

  #encode(exchange: Exchange): void {
    if (this.#state === 'closing' || this.#state === 'gone') return
    const { dispatcher, limits } = this.#parts
    const writer = this.#answers.writerFor(
      exchange.served.handler.answerSize(exchange.response) + headerBytes,
    )
    const before = writer.position
    if (dispatcher.encode(exchange, writer)) {
      exchange.next = this.#encoded
      this.#encoded = exchange
    }
    this.#unsentBytes += writer.position - before
    this.#answers.written()
    if (this.#unsentBytes >= limits.unsentHighBytes) this.#backedUp = true
    this.#queueSend()
  }

  #mute(forMs: number): void {
    this.#muted?.cancel()
    this.#muted = this.#parts.clock.after(forMs, () => {
      this.#muted = undefined
      this.#goOn()
    })
    this.#goOn()
  }

  #queueSend(): void {
    if (this.#sendQueued) return
    this.#sendQueued = true
    this.#parts.turn.send(this.#send)
  }

  readonly #send = (): void => {
    this.#sendQueued = false
    if (this.#state === 'gone') return
    const filled = this.#answers.take()
    const last = filled.at(-1)
    const encoded = this.#encoded
    this.#encoded = undefined
    const socket = this.#socket
    if (filled.length > 1) socket.cork()
    for (const one of filled) {
      this.#parts.stats.bytesOut += one.bytes.length
      // Only when the callback has run is the socket done with the bytes: not a moment earlier may they be used again.
      socket.write(one.bytes, () => this.#written(one, one === last ? encoded : undefined))
    }
    if (filled.length > 1) socket.uncork()
    if (this.#state === 'draining') {
      this.#state = 'closing'
      socket.destroySoon()
    } else if (this.#state === 'open') this.#account()
  }

  #written(filled: FilledBuffer, answers: Exchange | undefined): void {
    this.#parts.dispatcher.sent(answers)
    this.#unsentBytes -= filled.bytes.length
    this.#answers.release(filled)
    if (this.#state === 'gone') return
    this.lastMovedMs = this.#parts.clock.monotonicMs()
    if (this.#backedUp) {
      if (this.#unsentBytes > this.#parts.limits.unsentLowBytes) return
      this.#backedUp = false
    }
    this.#drain()
  }

  // --- the end

  /** With `flush`, answers that are ready still leave, within a deadline. */
  #close(kind: CloseKind, reason: string, flush: boolean): void {
    if (this.#state === 'gone') return
    if (this.#state === 'open') {
      this.#parts.stats.countClose(kind)
      const level = kind === 'peer' || kind === 'error' || kind === 'stopped' ? 'debug' : 'info'
      this.#parts.log[level](
        { connection: this.id, client: this.clientAddress, listener: this.listenerName, kind, reason },
        'Connection closed.',
      )
      this.#state = 'draining'
      this.#channel.pause()
      this.#reading = false
    }
    if (!flush) {
      this.#socket.destroy()
      return
    }
    this.#closeDeadline ??= this.#parts.clock.after(closeWithinMs, () => this.#socket.destroy())
    this.#queueSend()
  }

  #closeWhenFinished(): void {
    if (!this.#finishing || this.#state !== 'open') return
    if (this.requestsInWork === 0) this.#close('stopped', 'the broker stops', true)
  }

  #gone(): void {
    if (this.#state === 'gone') return
    if (this.#state === 'open') this.#parts.stats.countClose('peer')
    this.#state = 'gone'
    this.#closeDeadline?.cancel()
    this.#muted?.cancel()
    this.#parts.stats.requestsInWork -= this.requestsInWork
    for (let at = this.#lineStart; at < this.#line.length; at++) {
      const exchange = this.#line[at]
      if (exchange !== undefined) exchange.inLine = false
    }
    this.#line = []
    this.#lineStart = 0
    this.#lineBytes = 0
    this.#frames.close()
    this.#answers.close()
    this.#parts.dispatcher.sent(this.#encoded)
    this.#parts.budget.leave(this)
    this.#abort?.abort()
    this.#parts.onGone(this)
  }
}

export interface ConnectionIdentity {
  /** As Kafka prints it: both addresses and a number. */
  readonly id: string
  readonly listenerName: string
  readonly clientAddress: string
}

export interface ConnectionParts {
  readonly dispatcher: Dispatcher
  readonly pool: BufferPool
  readonly budget: MemoryBudget
  /** The buffer that all connections read into; undefined: each chunk comes in its own. */
  readonly sharedRead: Buffer | undefined
  readonly turn: EndOfTurn
  readonly clock: Clock
  readonly logger: Logger
  readonly log: LimitedLog
  readonly limits: RequestLimits
  readonly stats: NetworkStats
  onGone(connection: Connection): void
}

/** Frame size, correlation id, tagged fields. */
const headerBytes = 16
const closeWithinMs = 5000
