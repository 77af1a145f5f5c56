import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, RunningProcess, waitUntil } from '../targets/processes.ts'
import { type Certificates, makeCertificates } from './certificates.ts'

interface EtcdOptions {
  /** 1 unless given. */
  readonly members?: number
  /** Clients speak TLS and show a certificate of `etcd.certificates`. */
  readonly tls?: boolean
  /** Further flags of etcd, such as --quota-backend-bytes=16777216. */
  readonly flags?: readonly string[]
}

/**
 * A real etcd for one test file: one or more processes of the `etcd` on the PATH, on free ports, in a directory of
 * their own. `await using`, or `remove()`, ends them and deletes everything.
 */
export class Etcd {
  readonly members: readonly EtcdMember[]
  /** As for etcd.connect. */
  readonly endpoints: readonly string[]
  readonly certificates: Certificates | undefined
  readonly #directory: string
  #token: string | undefined

  private constructor(
    directory: string,
    members: readonly EtcdMember[],
    certificates: Certificates | undefined,
  ) {
    this.#directory = directory
    this.members = members
    this.endpoints = members.map(({ clientUrl }) => clientUrl)
    this.certificates = certificates
  }

  /** Resolves when every member serves. */
  static async start(options: EtcdOptions = {}): Promise<Etcd> {
    const { members: count = 1, tls = false, flags = [] } = options
    const directory = mkdtempSync(join(tmpdir(), 'barnabas-etcd-'))
    const certificates = tls ? await makeCertificates(directory) : undefined
    const ports = await freePorts(2 * count)
    const scheme = tls ? 'https' : 'http'
    const places = Array.from({ length: count }, (_, at) => ({
      name: `m${at + 1}`,
      directory: join(directory, `m${at + 1}`),
      clientUrl: `${scheme}://127.0.0.1:${ports[2 * at]}`,
      peerUrl: `http://127.0.0.1:${ports[2 * at + 1]}`,
    }))
    const common = [
      `--initial-cluster=${places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')}`,
      `--initial-cluster-token=${directory}`,
      '--logger=zap',
      '--log-level=warn',
      ...(certificates === undefined
        ? []
        : [
            `--cert-file=${certificates.server.certificate}`,
            `--key-file=${certificates.server.key}`,
            `--trusted-ca-file=${certificates.ca}`,
            '--client-cert-auth',
          ]),
      ...flags,
    ]
    const members = places.map(place => new EtcdMember(place, common))
    const etcd = new Etcd(directory, members, certificates)
    for (const member of members) member.start()
    await etcd.serves()
    return etcd
  }

  /** Until every member that runs serves reads that the members agree on. */
  async serves(): Promise<void> {
    for (const member of this.members) {
      if (!member.isRunning) continue
      await waitUntil(
        () => `etcd ${member.name} serves: ${member.output.slice(-2000)}`,
        async () => {
          const answer = await this.#ask(member, '/health', undefined).catch(() => '')
          return answer.includes('true') ? true : undefined
        },
      )
    }
  }

  /** The member that leads now. */
  async leader(): Promise<EtcdMember> {
    return waitUntil('etcd has a leader', async () => {
      for (const member of this.members) {
        if (!member.isRunning) continue
        const status = await this.call('/v3/maintenance/status', {}, member).catch(() => undefined)
        if (
          status !== undefined &&
          status['leader'] === (status['header'] as { member_id: string }).member_id
        )
          return member
      }
      return undefined
    })
  }

  /** One call of etcd's HTTP interface, as the user of `login`; bytes are base64 in it. */
  async call(
    path: string,
    body: Record<string, unknown>,
    member: EtcdMember | undefined = this.members.find(({ isRunning }) => isRunning),
  ): Promise<Record<string, unknown>> {
    if (member === undefined) throw new Error('No member of etcd runs.')
    const answer = JSON.parse(await this.#ask(member, path, JSON.stringify(body))) as Record<string, unknown>
    if (answer['error'] !== undefined) throw new Error(`etcd: ${JSON.stringify(answer)}`)
    return answer
  }

  async put(key: string, value: string): Promise<number> {
    const answer = await this.call('/v3/kv/put', { key: base64(key), value: base64(value) })
    return Number((answer['header'] as { revision: string }).revision)
  }

  /** All keys there are. */
  async keys(): Promise<string[]> {
    const answer = await this.call('/v3/kv/range', { key: 'AA==', range_end: 'AA==', keys_only: true })
    const kvs = (answer['kvs'] ?? []) as { key: string }[]
    return kvs.map(({ key }) => Buffer.from(key, 'base64').toString())
  }

  async revision(): Promise<number> {
    const answer = await this.call('/v3/kv/range', { key: base64('x') })
    return Number((answer['header'] as { revision: string }).revision)
  }

  /** Forgets everything before the revision, the latest one unless given. */
  async compact(revision?: number): Promise<void> {
    await this.call('/v3/kv/compaction', { revision: revision ?? (await this.revision()), physical: true })
  }

  /** Switches authentication on: `root`, and a user who may read and write below `prefix` alone. */
  async requireUsers(user: { name: string; password: string; prefix: string }): Promise<void> {
    const end = Buffer.from(user.prefix)
    end[end.length - 1]!++
    await this.call('/v3/auth/user/add', { name: 'root', password: 'root' })
    await this.call('/v3/auth/user/grant', { user: 'root', role: 'root' }).catch(async () => {
      await this.call('/v3/auth/role/add', { name: 'root' })
      await this.call('/v3/auth/user/grant', { user: 'root', role: 'root' })
    })
    await this.call('/v3/auth/user/add', { name: user.name, password: user.password })
    await this.call('/v3/auth/role/add', { name: 'broker' })
    const perm = { permType: 'READWRITE', key: base64(user.prefix), range_end: end.toString('base64') }
    await this.call('/v3/auth/role/grant', { name: 'broker', perm })
    await this.call('/v3/auth/user/grant', { user: user.name, role: 'broker' })
    await this.call('/v3/auth/enable', {})
    await this.login('root', 'root')
  }

  /** Further calls are made as this user. */
  async login(name: string, password: string): Promise<void> {
    const { token } = await this.call('/v3/auth/authenticate', { name, password })
    this.#token = String(token)
  }

  /** Ends all and deletes everything. */
  async remove(): Promise<void> {
    await Promise.all(this.members.map(member => member.kill()))
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
  }

  #ask(member: EtcdMember, path: string, body: string | undefined): Promise<string> {
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      timeout: 5000,
      ...(this.#token === undefined ? {} : { headers: { authorization: this.#token } }),
      ...this.certificates?.client.pem(),
    }
    const url = new URL(path, member.clientUrl)
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest
      const request = send(url, options, response => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString('utf8')
        })
        response.on('end', () => resolve(text))
        response.on('error', reject)
      })
      request.on('timeout', () => request.destroy(new Error('etcd did not answer in time.')))
      request.on('error', reject)
      request.end(body)
    })
  }
}

interface Place {
  readonly name: string
  readonly directory: string
  readonly clientUrl: string
  readonly peerUrl: string
}

/** One process of etcd. Its data outlives it until the whole is removed. */
export class EtcdMember {
  readonly name: string
  readonly clientUrl: string
  readonly #place: Place
  readonly #flags: readonly string[]
  #process: RunningProcess | undefined

  constructor(place: Place, flags: readonly string[]) {
    this.name = place.name
    this.clientUrl = place.clientUrl
    this.#place = place
    this.#flags = flags
  }

  get isRunning(): boolean {
    return this.#process?.hasEnded === false
  }

  get output(): string {
    return this.#process?.output ?? ''
  }

  /** Whether it serves is told by `Etcd.serves`. */
  start(flags: readonly string[] = []): void {
    const { name, directory, clientUrl, peerUrl } = this.#place
    this.#process = new RunningProcess('etcd', [
      `--name=${name}`,
      `--data-dir=${directory}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      ...this.#flags,
      ...flags,
    ])
  }

  /** kill -9 */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#process?.ended
  }

  /** Stops the process where it is; connections stay open and nobody answers. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Copies the data of a member that is not running, as a backup. */
  saveTo(directory: string): void {
    cpSync(this.#place.directory, directory, { recursive: true })
  }

  /** The reverse, in place of what is there: the state of etcd goes back. */
  restoreFrom(directory: string): void {
    this.lose()
    cpSync(directory, this.#place.directory, { recursive: true })
  }

  /** Deletes the data of a member that is not running. */
  lose(): void {
    rmSync(this.#place.directory, { recursive: true, force: true })
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
