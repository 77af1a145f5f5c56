/**
 * Clients of Java and librdkafka at work on one topic. What they and others tell goes into a file and to the checker as it
 * comes; that each gets on, and reads to the end, can be waited for, and such a wait ends at once when a client breaks down
 * or something is wrong already.
 */
import { copyFileSync, createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { prepareKafkaJava, repositoryRoot } from '../targets/kafka-jars.ts'
import { prepareLibrdkafka, python } from '../targets/librdkafka.ts'
import { RunningProcess, waitUntil } from '../targets/processes.ts'
import { type Anomaly, HistoryChecker, type Verdict, type WasSentAnew } from './checker.ts'
import { parseHistoryLine } from './history.ts'
import { Progress } from './progress.ts'

export interface HistoryClientsOptions {
  readonly topic: string
  readonly partitions: number
  readonly bootstrapServers: string
  /** Where all that they tell is written to. */
  readonly file: string
  /** Left out: no value is. */
  readonly wasSentAnew?: WasSentAnew
  /** Whatever comes before the words of a command, to run it somewhere else. */
  readonly within?: readonly string[]
  /** Sees every line first; true: it is no part of the history. */
  readonly onLine?: (line: string) => boolean
}

/** Process numbers of those who read by themselves, and of the members of a group. */
export interface Readers {
  readonly alone: readonly number[]
  readonly members: readonly number[]
}

export class HistoryClients {
  readonly #options: HistoryClientsOptions
  readonly #checker: HistoryChecker
  readonly #progress: Progress
  readonly #history: ReturnType<typeof createWriteStream>
  readonly #hosts = new Map<string, RunningProcess>()
  readonly #stopped = new Set<string>()
  #broken: Error | null = null

  constructor(options: HistoryClientsOptions) {
    this.#options = options
    this.#checker = new HistoryChecker(options.wasSentAnew)
    this.#progress = new Progress(options.partitions)
    this.#history = createWriteStream(options.file)
  }

  /** Takes the commands of test/targets/java/HistoryClients.java. */
  async startJava(): Promise<RunningProcess> {
    const { classPath } = await prepareKafkaJava()
    const jvm = ['-Xmx256M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath]
    const level = '-Dorg.slf4j.simpleLogger'
    const logging = [
      `${level}.defaultLogLevel=error`,
      `${level}.log.org.apache.kafka.clients.producer=warn`,
      `${level}.showDateTime=true`,
    ]
    return this.start('java', 'java', [...logging, ...jvm, 'HistoryClients'])
  }

  /** Takes the commands of librdkafka-clients.py. */
  async startLibrdkafka(): Promise<RunningProcess> {
    await prepareLibrdkafka()
    return this.start('librdkafka', python, ['-u', join(import.meta.dirname, 'librdkafka-clients.py')])
  }

  /** A program that is given bootstrap servers, topic and number of partitions, and does as it is told: `stop producers`. */
  start(name: string, command: string, args: readonly string[]): RunningProcess {
    const { bootstrapServers, topic, partitions, within = [] } = this.#options
    const host = new RunningProcess(command, [...args, bootstrapServers, topic, String(partitions)], {
      within,
      onLine: line => this.take(line, name),
    })
    this.#hosts.set(name, host)
    return host
  }

  /** A line of somebody else is from the host "". */
  take(line: string, host = ''): void {
    this.#history.write(`${line}\n`)
    try {
      if (this.#options.onLine?.(line) === true) return
      if (line.startsWith('stopped ')) {
        this.#stopped.add(`${line.slice('stopped '.length)} of ${host}`)
      } else if (line.startsWith('broken ')) {
        throw new Error(`A client of ${host} has ended: ${line}`)
      } else {
        const event = parseHistoryLine(line)
        if (event === null) return
        this.#checker.add(event)
        this.#progress.add(event)
      }
    } catch (error) {
      this.#broken ??= error as Error
    }
  }

  /** What is wrong already, while clients are still at work. */
  get anomaliesSoFar(): readonly Anomaly[] {
    return this.#checker.anomaliesSoFar
  }

  /**
   * Waits until every one of the producers has had something acknowledged on every partition that it sent after this call,
   * and every one of the readers has read as far. Answers how long that took, in ms.
   */
  async advance(
    producers: readonly number[],
    readers: readonly number[],
    deadlineMs: number,
  ): Promise<number> {
    const began = performance.now()
    const sent = this.#progress.sent(producers)
    await this.#until(
      () => `producers get on: ${this.#progress.behind(sent)}`,
      deadlineMs,
      () => this.#progress.isAcknowledged(sent),
    )
    const written = this.#progress.acknowledgedOffsets()
    await this.#until(
      () => `readers get on: ${this.#progress.unread(readers, written)}`,
      deadlineMs,
      () => this.#progress.isRead(readers, written),
    )
    return performance.now() - began
  }

  /** They send no more, and it is known how the last sends ended. */
  stopProducers(deadlineMs: number): Promise<void> {
    return this.#stop('producers', deadlineMs)
  }

  /** Waits until all have read up to these ends (exclusive), and stops them. */
  async stopReaders(
    { alone, members }: Readers,
    ends: ReadonlyMap<number, number>,
    deadlineMs: number,
  ): Promise<void> {
    await this.#until(
      () => `readers reach the end: ${this.#progress.unread(alone, ends)}`,
      deadlineMs,
      () => this.#progress.isRead(alone, ends),
    )
    if (members.length > 0) {
      await this.#until(
        () => `the group reaches the end: ${this.#progress.unread(members, ends)}`,
        deadlineMs,
        () => this.#progress.isReadTogether(members, ends),
      )
    }
    await this.#stop('readers', deadlineMs)
  }

  /** Call when the readers have stopped. */
  verdict(): Verdict {
    return this.#checker.finish()
  }

  /** Copies the history to where it outlives the run. */
  keepHistory(): string {
    const kept = join(repositoryRoot, '.cache', 'faults')
    mkdirSync(kept, { recursive: true })
    const file = join(kept, `${this.#options.topic}-${Date.now()}.history`)
    copyFileSync(this.#options.file, file)
    return file
  }

  /** Ends all clients at once. */
  async dispose(): Promise<void> {
    for (const host of this.#hosts.values()) {
      if (host.hasEnded) continue
      host.kill('SIGKILL')
      await host.ended
    }
    this.#history.end()
  }

  async #stop(who: 'producers' | 'readers', deadlineMs: number): Promise<void> {
    for (const host of this.#hosts.values()) host.tell(`stop ${who}`)
    await this.#until(`the ${who} stop`, deadlineMs, () =>
      [...this.#hosts.keys()].every(name => this.#stopped.has(`${who} of ${name}`)),
    )
  }

  /** As waitUntil, and fails at once when a client has broken down or something is wrong already. */
  async #until(what: string | (() => string), deadlineMs: number, holds: () => boolean): Promise<void> {
    const all = (): string => {
      const words = typeof what === 'string' ? what : what()
      const said = [...this.#hosts].map(([name, { output }]) => `${name} said last: ${output.slice(-6_000)}`)
      return `${words}. The history: ${this.keepHistory()}\n${said.join('\n')}`
    }
    await waitUntil(
      all,
      () => {
        if (this.#broken !== null) throw this.#broken
        const ended = [...this.#hosts.values()].find(({ hasEnded }) => hasEnded)
        if (ended !== undefined)
          throw new Error(`Clients have ended; they said: ${ended.output.slice(-3_000)}`)
        const [anomaly] = this.#checker.anomaliesSoFar
        if (anomaly !== undefined) {
          throw new Error(
            `${anomaly.kind}: ${anomaly.examples.join('; ')}. The history: ${this.keepHistory()}`,
          )
        }
        return holds() || undefined
      },
      { deadlineMs, everyMs: 50 },
    )
  }
}
