import { type CompressionType, EncodeError, type ErrorName } from '../../protocol/index.ts'
import { assert, unreachable } from '../../runtime/assert.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { EndOfTurn } from '../../runtime/end-of-turn.ts'
import type { Logger } from '../../runtime/logger.ts'
import { AnswerQueue } from './answer-queue.ts'
import { errorOfFailedAppend } from './append-errors.ts'
import { loadShard } from './load-shard.ts'
import {
  type Command,
  type Decision,
  type Effect,
  type EncodedEntry,
  type Event,
  outsideTransactions,
  type ShardKind,
} from './shard-kind.ts'
import type { ShardLog } from './shard-log.ts'
import { ShardTimers } from './shard-timers.ts'
import { ShardWriter } from './shard-writer.ts'
import { Timeline } from './timeline.ts'

/**
 * The life of one shard on the broker that leads its partition: loading → active, until it is closed. Everything that
 * changes its state goes through `run`; one thread, no waiting, so commands are as if one after the other.
 *
 * Memory runs ahead of the log by what this turn has gathered. Should the log refuse that batch after all (it was asked
 * before each command, so the world must have changed within the turn), the state is dropped and loaded anew.
 */
export class Shard<State, Entry> {
  readonly partition: number
  /** Of the leadership under which this shard lives. */
  readonly epoch: number
  readonly #options: ShardOptions<State, Entry>
  #life: Life<State, Entry> | undefined
  #loading: AbortController | undefined
  #closed = false

  constructor(options: ShardOptions<State, Entry>) {
    this.partition = options.log.partition
    this.epoch = options.epoch
    this.#options = options
    this.#load()
  }

  get status(): 'loading' | 'active' | 'failed' | 'closed' {
    if (this.#closed) return 'closed'
    if (this.#life !== undefined) return 'active'
    return this.#loading === undefined ? 'failed' : 'loading'
  }

  /** Why commands are refused now; null when they are not. */
  get refusal(): ErrorName | null {
    switch (this.status) {
      case 'active':
        return null
      case 'loading':
        return 'COORDINATOR_LOAD_IN_PROGRESS'
      case 'failed':
      case 'closed':
        return 'NOT_COORDINATOR'
    }
  }

  /** Decides and carries out a command now; it is answered, or failed, when that may be known. */
  run<Response>(command: Command<State, Entry, Response>): void {
    if (this.#life === undefined) command.fail(this.refusal ?? 'NOT_COORDINATOR')
    else this.#life.run(command)
  }

  /** The same for something that nobody waits for. The answer tells whether it was carried out. */
  react(event: Event<State, Entry>): ErrorName | null {
    return this.#life === undefined ? this.refusal : this.#life.react(event)
  }

  /** The state, for readers: they look at its committed side only, and change nothing. */
  get state(): State | undefined {
    return this.#life?.state
  }

  /** Leadership is gone, or the broker goes down: everybody who waits is told NOT_COORDINATOR. */
  close(): void {
    this.#closed = true
    this.#end('NOT_COORDINATOR')
  }

  #end(error: ErrorName): void {
    this.#loading?.abort()
    this.#loading = undefined
    const life = this.#life
    this.#life = undefined
    life?.end(error)
  }

  #load(): void {
    const loading = new AbortController()
    this.#loading = loading
    const { log, logger } = this.#options
    const { topic, partition } = log
    const life = new Life(this.#options, {
      refused: error => this.#lost(error),
      gone: error => this.#end(errorOfFailedAppend(error)),
    })
    const begunMs = this.#options.clock.monotonicMs()
    life.load(loading.signal).then(
      ({ complete, records, passedOver }) => {
        if (!complete || loading.signal.aborted) return life.end('NOT_COORDINATOR')
        this.#loading = undefined
        this.#life = life
        life.start()
        const tookMs = Math.round(this.#options.clock.monotonicMs() - begunMs)
        logger.debug(
          { topic, partition, records, passedOver, tookMs },
          'A coordinator has loaded its partition.',
        )
      },
      (error: unknown) => {
        life.end('NOT_COORDINATOR')
        if (loading.signal.aborted) return
        this.#loading = undefined
        logger.error({ topic, partition, err: error }, 'A coordinator could not load its partition.')
      },
    )
  }

  /** The state no longer stands on the log. */
  #lost(error: ErrorName): void {
    this.#end(errorOfFailedAppend(error))
    if (!this.#closed) this.#load()
  }
}

export interface ShardOptions<State, Entry> {
  readonly kind: ShardKind<State, Entry>
  readonly log: ShardLog
  readonly epoch: number
  readonly clock: Clock
  readonly turn: EndOfTurn
  readonly logger: Logger
  /** How long an answer waits for replication. */
  readonly writeTimeoutMs: () => number
  readonly loadSliceBytes: () => number
  readonly compression: () => CompressionType
}

/** An event whose records cannot be written is tried again after that long. */
const retryEventMs = 500

/** One state, from the beginning of its load to its end. */
class Life<State, Entry> {
  readonly state: State
  readonly #options: ShardOptions<State, Entry>
  readonly #timeline = new Timeline()
  readonly #timers: ShardTimers
  readonly #answers: AnswerQueue
  readonly #writer: ShardWriter
  readonly #calls = new Map<string, Caller>()
  readonly #owner: LifeOwner
  /** Writes given to the log and not yet replicated, oldest first. */
  #written: { readonly sequence: number; readonly endOffset: number }[] = []
  #unwatch: (() => void) | undefined
  #ended = false

  constructor(options: ShardOptions<State, Entry>, owner: LifeOwner) {
    this.#options = options
    this.#owner = owner
    const { kind, log, clock, turn, compression, writeTimeoutMs } = options
    this.#timers = new ShardTimers(clock)
    this.#answers = new AnswerQueue(clock, writeTimeoutMs)
    this.#writer = new ShardWriter({
      log,
      clock,
      turn,
      compression,
      opened: sequence => this.#timeline.write(sequence),
      appended: (sequence, endOffset) => {
        this.#written.push({ sequence, endOffset })
        this.#advance()
      },
      refused: (error, message) => {
        const { topic, partition } = log
        options.logger.warn(
          { topic, partition, error, message },
          'A coordinator could not write and loads anew.',
        )
        this.#owner.refused(error)
      },
    })
    this.state = kind.create(this.#timeline)
  }

  load(signal: AbortSignal): ReturnType<typeof loadShard> {
    const { kind, log, clock, logger, loadSliceBytes } = this.#options
    return loadShard({
      kind,
      state: this.state,
      log,
      clock,
      logger,
      sliceBytes: loadSliceBytes(),
      signal,
      beforeBatch: endOffset => {
        if (endOffset <= log.committedOffset) return
        const sequence = this.#writer.numberFoundWrite()
        this.#written.push({ sequence, endOffset })
      },
    })
  }

  start(): void {
    this.#unwatch = this.#options.log.watch(() => this.#moved())
    this.#advance()
    this.react(state => this.#options.kind.loaded(state))
  }

  run<Response>(command: Command<State, Entry, Response>): void {
    this.#decided(command.decide(this.state), command)
  }

  #decided<Response>(
    decision: Decision<State, Entry, Response>,
    command: Command<State, Entry, Response>,
  ): void {
    const error = this.#carryOut(decision, {
      answer: response => command.answer(response as Response),
      fail: reason => command.fail(reason),
    })
    if (error === null) {
      if (decision.response !== undefined) this.#answer(command, decision.response)
    } else if (decision.ifRefused === undefined || this.#ended) {
      command.fail(error)
    } else {
      this.#decided(decision.ifRefused(error), command)
    }
  }

  react(event: Event<State, Entry>): ErrorName | null {
    return this.#carryOut(event(this.state), undefined)
  }

  end(error: ErrorName): void {
    if (this.#ended) return
    this.#ended = true
    this.#unwatch?.()
    this.#writer.discard()
    this.#timers.cancelAll()
    this.#answers.failAll(error)
    const callers = [...this.#calls.values()]
    this.#calls.clear()
    for (const caller of callers) caller.fail(error)
  }

  #carryOut(decision: Decision<State, Entry, unknown>, caller: Caller | undefined): ErrorName | null {
    const { records = [], effects = [], independent = false, transaction, volatile } = decision
    const { kind } = this.#options
    if (records.length > 0) {
      const encoded = encodeAll(kind, records)
      if (encoded === null) return 'UNKNOWN_SERVER_ERROR'
      const refusal = this.#writer.take(encoded, { independent, transaction })
      if (refusal !== null) return errorOfFailedAppend(refusal)
      if (this.#ended) return 'COORDINATOR_LOAD_IN_PROGRESS'
    }
    volatile?.(this.state)
    for (const record of records) kind.apply(this.state, record, transaction ?? outsideTransactions)
    for (const effect of effects) this.#perform(effect, caller)
    return null
  }

  #perform(effect: Effect<State, Entry>, caller: Caller | undefined): void {
    switch (effect.kind) {
      case 'park':
        assert(caller !== undefined, 'Only a command has an asker to park.', { call: effect.call })
        assert(!this.#calls.has(effect.call), 'Two askers wait in one place.', { call: effect.call })
        this.#calls.set(effect.call, caller)
        return
      case 'answer': {
        const waiting = this.#calls.get(effect.call)
        this.#calls.delete(effect.call)
        if (waiting !== undefined) this.#answer(waiting, effect.response)
        return
      }
      case 'schedule':
        if (effect.ifAbsent === true && this.#timers.has(effect.timer)) return
        this.#schedule(effect.timer, effect.afterMs, effect.event)
        return
      case 'cancel':
        this.#timers.cancel(effect.timer)
        return
      default:
        unreachable(effect)
    }
  }

  #schedule(name: string, afterMs: number, event: Event<State, Entry>): void {
    this.#timers.schedule(name, afterMs, () => {
      const error = this.react(event)
      if (error !== null && !this.#ended && !this.#timers.has(name)) this.#schedule(name, retryEventMs, event)
    })
  }

  #answer<Response>(
    to: { answer(response: Response): void; fail(error: ErrorName): void },
    response: Response,
  ): void {
    const { newest } = this.#writer
    if (newest <= this.#timeline.committed) to.answer(response)
    else
      this.#answers.add(
        newest,
        () => to.answer(response),
        error => to.fail(errorOfFailedAppend(error)),
      )
  }

  #moved(): void {
    const refusal = this.#options.log.refusal()
    // Few replicas in sync only hold the watermark back; without the role or the disk nothing more will come.
    if (refusal !== null && refusal !== 'NOT_ENOUGH_REPLICAS') this.#owner.gone(refusal)
    else this.#advance()
  }

  #advance(): void {
    const { committedOffset } = this.#options.log
    let sequence: number | undefined
    while (this.#written.length > 0 && this.#written[0]!.endOffset <= committedOffset) {
      sequence = this.#written.shift()!.sequence
    }
    if (sequence === undefined) return
    this.#timeline.commit(sequence)
    this.#answers.committed(sequence)
  }
}

/** Null when something in them is larger than the format has room for (a name over 32 KB, say): such records are refused. */
function encodeAll<State, Entry>(
  kind: ShardKind<State, Entry>,
  records: readonly Entry[],
): readonly EncodedEntry[] | null {
  try {
    return records.map(record => kind.encode(record))
  } catch (error) {
    if (error instanceof EncodeError) return null
    throw error
  }
}

interface LifeOwner {
  /** The log refused what the state already has: the state is worth nothing any more. */
  refused(error: ErrorName): void
  /** This broker leads the partition no more, or its disk failed. */
  gone(error: ErrorName): void
}

interface Caller {
  answer(response: unknown): void
  fail(error: ErrorName): void
}
