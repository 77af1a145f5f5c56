import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../../cli/main.ts')

/** So many ports from `clientPort` and from `httpPort` on were free. */
const mostBrokers = 3

/** A directory and ports of its own, for runs of `barnabas up` as processes of their own. */
export class UpDirectory {
  readonly directory = mkdtempSync(join(tmpdir(), 'barnabas-up-'))
  readonly dataDirectory = join(this.directory, 'data')
  readonly clientPort: number
  readonly httpPort: number
  readonly #runs: UpRun[] = []

  private constructor(clientPort: number, httpPort: number) {
    this.clientPort = clientPort
    this.httpPort = httpPort
  }

  static async make(): Promise<UpDirectory> {
    const first = await freePortRange(2 * mostBrokers)
    return new UpDirectory(first, first + mostBrokers)
  }

  /** A manifest of the cluster demo with the topic orders; the arguments are parts of it in YAML's flow style. */
  write(topic: string, cluster = '{ brokers: { replicas: 1 } }'): string {
    const file = join(this.directory, 'cluster.yaml')
    writeFileSync(
      file,
      `apiVersion: barnabas.dev/v1\nkind: Cluster\nmetadata: { name: demo }\nspec: ${cluster}\n---\n` +
        `apiVersion: barnabas.dev/v1\nkind: Topic\nmetadata: { name: orders }\nspec: { clusterRef: { name: demo }, ${topic} }\n`,
    )
    return file
  }

  /** With these environment variables besides our own. */
  up(manifest: string, environment: Readonly<Record<string, string>> = {}): UpRun {
    const flags = [
      '--data-dir',
      this.dataDirectory,
      '--port',
      `${this.clientPort}`,
      '--http-port',
      `${this.httpPort}`,
    ]
    const run = new UpRun(
      spawn(process.execPath, [program, 'up', manifest, ...flags], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...environment },
      }),
    )
    this.#runs.push(run)
    return run
  }

  /** What `up` runs now: brokers, then etcd. */
  programs(): readonly LocalProgram[] {
    const text = readFileSync(join(this.dataDirectory, 'up.json'), 'utf8')
    return (JSON.parse(text) as { processes: readonly LocalProgram[] }).processes
  }

  /** Ends all runs and removes everything. */
  async remove(): Promise<void> {
    for (const run of this.#runs) await run.end()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

interface LocalProgram {
  readonly pid: number
  readonly argument: string
}

export class UpRun {
  readonly child: ChildProcess
  readonly exitCode: Promise<number | null>
  output = ''
  #wake: () => void = () => undefined

  constructor(child: ChildProcess) {
    this.child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (text: string) => {
        this.output += text
        this.#wake()
      })
    }
    this.exitCode = new Promise(resolve => child.once('close', code => resolve(code)))
    void this.exitCode.then(() => this.#wake())
  }

  /** Resolves when the text has been written; rejects when the process ends without it. */
  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`It ended without saying "${text}":\n${this.output}`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGINT')
      this.child.kill('SIGINT')
    }
    await this.exitCode
  }
}

export function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** The first of so many ports in a row that nobody has now. */
async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const first = await freePort()
    const servers = Array.from({ length: count }, () => createServer())
    const outcomes = await Promise.all(
      servers.map(
        (server, at) =>
          new Promise<boolean>(resolve => {
            server.once('error', () => resolve(false))
            server.listen(Math.min(65_535, first + at), '127.0.0.1', () => resolve(true))
          }),
      ),
    )
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    if (outcomes.every(isFree => isFree)) return first
  }
}
