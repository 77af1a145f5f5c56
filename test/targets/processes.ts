/**
 * Child processes of tests and benchmarks: started, watched, and ended by their own process id. Whatever is still
 * running when this process exits is killed, so that a failed test leaves nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

interface ProcessOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly directory?: string
  /** Core the process is pinned to with taskset; absent: any. */
  readonly core?: number
  /** Words before the command, as of nsenter: the process is started in another network namespace. */
  readonly within?: readonly string[]
  /** In a session of its own, where Ctrl-C at a terminal does not reach it. */
  readonly apart?: boolean
}

interface RunningProcessOptions extends ProcessOptions {
  /**
   * Takes what the process prints on standard output line by line; `output` then holds standard error alone. The part of a
   * line that a killed process left is dropped: it says something else than the whole line would have.
   */
  readonly onLine?: (line: string) => void
}

function commandLine(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): [string, ...string[]] {
  const pinned = options.core === undefined ? [] : ['taskset', '-c', String(options.core)]
  return [...(options.within ?? []), ...pinned, command, ...args] as [string, ...string[]]
}

/** A started program with the last part of what it printed. */
export class RunningProcess {
  readonly pid: number
  /**
   * Resolves when the process has ended, and all its lines were taken where somebody takes them: its exit code, or the
   * signal that ended it.
   */
  readonly ended: Promise<number | NodeJS.Signals>
  #child: ChildProcess
  #output = ''
  #hasEnded = false

  constructor(command: string, args: readonly string[], options: RunningProcessOptions = {}) {
    const [program, ...programArgs] = commandLine(command, args, options)
    const child = spawn(program, programArgs, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: options.apart,
    })
    this.#child = child
    this.pid = child.pid ?? -1
    running.add(child)
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-100_000)
    }
    child.stdin.on('error', () => {}) // a process may end before it has read everything
    if (options.onLine === undefined) {
      child.stdin.end()
      child.stdout.on('data', keep)
    } else {
      const onLine = options.onLine
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onLine(line)
      })
    }
    child.stderr.on('data', keep)
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        this.#hasEnded = true
        running.delete(child)
        if (options.onLine === undefined) resolve(code ?? signal ?? 'SIGKILL')
      })
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
    })
    this.ended.catch(() => {}) // looked at by whoever waits; a spawn failure also shows as hasEnded
  }

  /** The last 100,000 characters of standard output and error together. */
  get output(): string {
    return this.#output
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** A line for its standard input; only a process whose lines somebody takes has one. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#child.kill(signal)
  }

  /** SIGTERM, and SIGKILL if it has not ended after `graceMs`. */
  async stop(graceMs: number): Promise<number | NodeJS.Signals> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    try {
      return await this.ended
    } finally {
      clearTimeout(timer)
    }
  }
}

export interface CommandResult {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions extends ProcessOptions {
  readonly input?: string | Buffer
  readonly timeoutMs?: number
}

/** Runs a command to its end. Rejects only when it cannot be started or takes longer than `timeoutMs`. */
export function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program, ...rest] = commandLine(command, args, options)
  const timeoutMs = options.timeoutMs ?? 60_000
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      detached: options.apart,
    })
    running.add(child)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      const said = Buffer.concat([...stdout, ...stderr])
        .toString('utf8')
        .slice(-2_000)
      reject(new Error(`${command} ${args.join(' ')} did not end within ${timeoutMs} ms; it said: ${said}`))
    }, timeoutMs)
    child.stdout.on('data', chunk => stdout.push(chunk))
    child.stderr.on('data', chunk => stderr.push(chunk))
    child.stdin.on('error', () => {}) // a command may end before it has read everything
    child.stdin.end(options.input ?? '')
    child.once('error', error => {
      clearTimeout(timer)
      running.delete(child)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({
        exit: code ?? (signal === null ? -1 : 128),
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      })
    })
  })
}

/** `count` TCP ports of 127.0.0.1 that nothing listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  await Promise.all(servers.map(server => once(server.listen(0, '127.0.0.1'), 'listening')))
  const ports = servers.map(server => {
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : -1
  })
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

/** Asks again every `everyMs` until the answer is not undefined; throws with `what` after `deadlineMs`. */
export async function waitUntil<T>(
  what: string | (() => string),
  ask: () => T | undefined | Promise<T | undefined>,
  { deadlineMs = 30_000, everyMs = 20 } = {},
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) {
      throw new Error(`Waited ${deadlineMs} ms in vain until ${typeof what === 'string' ? what : what()}.`)
    }
    await pause(everyMs)
  }
}
