/** kcat as a client that tells what it does: one writer that sends by the hundred, and readers that run on. */
import type { Cluster } from './cluster.ts'
import { RunningProcess, run } from '../targets/processes.ts'
import { letPass } from './let-pass.ts'

const valuesInOneGo = 100

/** Sends the numbers first, first + step, … with kcat, which tells how all of them together ended, and not where they stand. */
export class KcatWriter {
  readonly #done: Promise<void>
  #writing = true

  constructor(
    { bootstrapServers }: Cluster,
    writer: {
      readonly topic: string
      readonly partitions: number
      readonly process: number
      readonly first: number
      readonly step: number
      readonly onLine: (line: string) => void
    },
  ) {
    this.#done = this.#write(bootstrapServers, writer)
    this.#done.catch(() => {}) // looked at by stop()
  }

  /** Sends no more, and waits until it is known how the last ones ended. */
  async stop(): Promise<void> {
    this.#writing = false
    await this.#done
  }

  async #write(
    bootstrapServers: string,
    { topic, partitions, process, first, step, onLine }: ConstructorParameters<typeof KcatWriter>[1],
  ): Promise<void> {
    let value = first
    let turn = 0
    while (this.#writing) {
      const partition = turn++ % partitions
      const values = Array.from({ length: valuesInOneGo }, (_, index) => value + index * step)
      value += valuesInOneGo * step
      for (const one of values) onLine(`i ${process} ${partition} ${one}`)
      const args = ['-P', '-b', bootstrapServers, '-t', topic, '-p', String(partition)]
      const settings = ['-X', 'enable.idempotence=true', '-X', 'message.timeout.ms=60000', '-E']
      const input = values.map(one => `${one} ${'x'.repeat(50)}\n`).join('')
      const { exit, stderr } = await run('kcat', [...args, ...settings], { input, timeoutMs: 120_000 })
      const allWritten = exit === 0 && !/Delivery failed|ERROR.*(produce|delivery)/i.test(stderr)
      const last = stderr.trim().split('\n').at(-1) ?? ''
      for (const one of values) {
        onLine(
          `${allWritten ? 'o' : 'u'} ${process} ${partition} ${one} ${allWritten ? '-' : `kcat: ${last}`}`,
        )
      }
      await letPass(500)
    }
  }
}

/** Reads all partitions from the beginning; started again, under a new process number, should kcat give up. */
export class KcatReader {
  readonly #start: () => RunningProcess
  #process: RunningProcess
  #reading = true

  constructor(
    { bootstrapServers }: Cluster,
    reader: { readonly topic: string; readonly process: number; readonly onLine: (line: string) => void },
  ) {
    let life = 0
    this.#start = () => {
      const number = reader.process + life++
      const args = ['-C', '-b', bootstrapServers, '-t', reader.topic, '-o', 'beginning', '-u', '-q', '-E']
      const running = new RunningProcess('kcat', [...args, '-f', '%p %o %s\n'], {
        onLine: line => {
          const [partition, offset, value] = line.split(' ')
          reader.onLine(`p ${number} ${partition} ${offset}:${value}`)
        },
      })
      void running.ended.then(() => {
        if (this.#reading) this.#process = this.#start()
      })
      return running
    }
    this.#process = this.#start()
  }

  async stop(): Promise<void> {
    this.#reading = false
    await this.#process.stop(5_000)
  }
}
