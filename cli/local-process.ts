/**
 * The life of one program of a local cluster, a broker or etcd: a child process of its own that is started, watched,
 * started again when it dies unexpectedly, and stopped. Its log goes to a file; lines worth a look are handed on.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { backoffMs } from '../runtime/backoff.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { type Deferred, deferred } from '../runtime/deferred.ts'
import type { Random } from '../runtime/random.ts'
import type { Readiness } from './readiness.ts'

export type ProcessState =
  | 'starting'
  | 'recovering'
  | 'ready'
  | 'unready'
  | 'restarting'
  | 'stopping'
  | 'stopped'
  | 'failed'

export interface ProcessStatus {
  /** As people call it: "broker 1". */
  readonly name: string
  readonly state: ProcessState
  /** Why it is not ready, or what it does; empty when there is nothing to say. */
  readonly detail: string
  readonly restarts: number
  readonly pid: number | undefined
}

export interface LocalProcessOptions {
  readonly name: string
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether it serves; never rejects. */
  readonly probe: () => Promise<Readiness>
  readonly logFile: string
  readonly clock: Clock
  readonly random: Random
  /** Called after each change of the status. */
  readonly onChange: (status: ProcessStatus) => void
  /** Lines of the levels in `severe`, or without a level; with `verbose` everything. */
  readonly onLog: (line: string) => void
  readonly severe: ReadonlySet<string>
  readonly verbose: boolean
}

const pollWhileStartingMs = 15
const pollMs = 1000
const firstRestartMs = 500
const longestRestartMs = 30_000
/** After so long without dying, the next death is a first one again. */
const stableMs = 60_000

export class LocalProcess {
  readonly #options: LocalProcessOptions
  readonly #log: WriteStream
  readonly #ready: Deferred<void> = deferred()
  #child: ChildProcess | undefined
  #exited: Deferred<void> = deferred()
  #poll: Timer | undefined
  #restart: Timer | undefined
  #state: ProcessState = 'starting'
  #detail = ''
  #restarts = 0
  #attempt = 0
  #startedAtMs = 0
  #wasReady = false
  #lastWords: string[] = []

  constructor(options: LocalProcessOptions) {
    this.#options = options
    this.#log = createWriteStream(options.logFile, { flags: 'a' })
    this.#log.on('error', () => undefined)
    this.#ready.promise.catch(() => undefined)
  }

  /** Resolves when it is ready for the first time; rejects with what it said last when it ends before that. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get status(): ProcessStatus {
    return {
      name: this.#options.name,
      state: this.#state,
      detail: this.#detail,
      restarts: this.#restarts,
      pid: this.#child?.pid,
    }
  }

  start(): void {
    const { command, environment, clock } = this.#options
    const [program, ...args] = command
    this.#startedAtMs = clock.monotonicMs()
    this.#lastWords = []
    this.#exited = deferred()
    // In a process group of its own: Ctrl-C reaches us alone, and we stop it in order.
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment },
      detached: true,
    })
    this.#child = child
    this.#set('starting', '')
    readLines(child.stdout, line => this.#takeLine(line))
    readLines(child.stderr, line => this.#takeLine(line))
    child.once('error', error => this.#ended(`it cannot be started: ${error.message}`))
    child.once('close', (code, signal) =>
      this.#ended(signal === null ? `exit code ${code}` : `killed by ${signal}`),
    )
    this.#pollAfter(pollWhileStartingMs)
  }

  /** Asks it to stop and waits; kills it after `graceMs`. Resolves with whether it stopped by itself. */
  async stop(graceMs: number): Promise<boolean> {
    this.#restart?.cancel()
    const child = this.#child
    if (child === undefined) {
      this.#set('stopped', '')
      return true
    }
    this.#set('stopping', '')
    child.kill('SIGTERM')
    let killed = false
    const deadline = this.#options.clock.after(graceMs, () => {
      killed = true
      child.kill('SIGKILL')
    })
    await this.#exited.promise
    deadline.cancel()
    return !killed
  }

  /** At once and for good. */
  kill(): void {
    this.#restart?.cancel()
    this.#set('stopping', '')
    this.#child?.kill('SIGKILL')
  }

  #ended(how: string): void {
    if (this.#child === undefined) return
    this.#child = undefined
    this.#poll?.cancel()
    if (this.#state === 'stopping') this.#set('stopped', '')
    else if (this.#wasReady) this.#startAgain(how)
    else {
      const reason = this.#lastWords.length === 0 ? how : this.#lastWords.join('\n')
      this.#set('failed', how)
      this.#ready.reject(new Error(reason))
    }
    this.#exited.resolve()
  }

  #startAgain(how: string): void {
    const { clock, random } = this.#options
    if (clock.monotonicMs() - this.#startedAtMs > stableMs) this.#attempt = 0
    const delayMs = backoffMs(this.#attempt, { firstMs: firstRestartMs, mostMs: longestRestartMs }, random)
    this.#attempt++
    this.#restarts++
    this.#set('restarting', `it died (${how}); again in ${(delayMs / 1000).toFixed(1)} s`)
    this.#restart = clock.after(delayMs, () => this.start())
  }

  #pollAfter(delayMs: number): void {
    this.#poll = this.#options.clock.after(delayMs, () => {
      const child = this.#child
      this.#options.probe().then(
        readiness => {
          if (child !== this.#child || child === undefined || this.#state === 'stopping') return
          this.#takeReadiness(readiness)
          this.#pollAfter(this.#state === 'ready' ? pollMs : pollWhileStartingMs)
        },
        () => undefined,
      )
    })
  }

  #takeReadiness(readiness: Readiness): void {
    switch (readiness.kind) {
      case 'ready':
        this.#wasReady = true
        this.#set('ready', '')
        this.#ready.resolve()
        return
      case 'unready':
        this.#set(
          readiness.isRecovering ? 'recovering' : this.#wasReady ? 'unready' : 'starting',
          readiness.detail,
        )
        return
      case 'silent':
        if (this.#state === 'ready') this.#set('unready', 'it does not answer')
    }
  }

  #takeLine(line: string): void {
    this.#log.write(`${line}\n`)
    const { level, text } = readLogLine(line)
    const isSevere = level === undefined || this.#options.severe.has(level)
    if (level === undefined || level === 'error' || level === 'fatal')
      this.#lastWords = [...this.#lastWords, text].slice(-20)
    if (isSevere || this.#options.verbose)
      this.#options.onLog(level === undefined ? text : `${level}: ${text}`)
  }

  #set(state: ProcessState, detail: string): void {
    if (state === this.#state && detail === this.#detail) return
    this.#state = state
    this.#detail = detail
    this.#options.onChange(this.status)
  }
}

/** A line of pino: its level and sentence, with the reason when there is an error. Other text as it is. */
export function readLogLine(line: string): { readonly level: string | undefined; readonly text: string } {
  if (!line.startsWith('{')) return { level: undefined, text: line }
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: unknown
      msg?: unknown
      err?: { message?: unknown }
    }
    if (typeof level !== 'string' || typeof msg !== 'string') return { level: undefined, text: line }
    const reason = typeof err?.message === 'string' && err.message !== msg ? ` (${err.message})` : ''
    return { level, text: msg + reason }
  } catch {
    return { level: undefined, text: line }
  }
}

function readLines(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') take(line)
  })
  stream?.on('end', () => {
    if (rest !== '') take(rest)
  })
}
