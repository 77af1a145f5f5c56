/** Members of groups as processes of other people's clients, and what they say of themselves. */
import { join } from 'node:path'
import { type KafkaJava, prepareKafkaJava, repositoryRoot } from '../targets/kafka-jars.ts'
import { python } from '../targets/librdkafka.ts'
import { RunningProcess } from '../targets/processes.ts'

/** A client in one of its ways to be in a group. */
export interface GroupClient {
  readonly name: string
  /** Whether it says when it owns a partition, so that two owners would be seen. */
  readonly tellsOwnership: boolean
  /**
   * Whether it commits what it has processed before it gives a partition up, and processes nothing of it afterwards. Others
   * may repeat what they had fetched when a rebalance comes in the middle of work, by their own making.
   */
  readonly commitsBeforeRevoke: boolean
  /** Whether records that were on the way when a partition was given up are processed all the same; it says when it is ready. */
  readonly processesLateFetches?: true
  command(target: { servers: string; topic: string; group: string }): Promise<readonly [string, ...string[]]>
}

export interface Processed {
  readonly partition: number
  readonly offset: number
  readonly value: number
  readonly atNs: number
}

/** A stretch of time in which a member owned a partition. Times are the machine's monotonic clock, in ns. */
export interface Ownership {
  readonly partition: number
  readonly fromNs: number
  /** Infinity: until now. */
  untilNs: number
  /** The member found out afterwards that the coordinator had put it out: nobody waited for it to give up. */
  lost: boolean
}

export class GroupMember {
  readonly client: GroupClient
  readonly process: RunningProcess
  readonly processed: Processed[] = []
  readonly ownerships: Ownership[] = []
  /** What it said besides records that it processed; the last of it. */
  readonly story: string[] = []

  /** What it processes from now on is of partitions that it owns. */
  isReady = true

  static async start(
    client: GroupClient,
    target: { servers: string; topic: string; group: string },
  ): Promise<GroupMember> {
    return new GroupMember(client, await client.command(target))
  }

  private constructor(client: GroupClient, [program, ...args]: readonly [string, ...string[]]) {
    this.client = client
    this.process = new RunningProcess(program, args, { onLine: line => this.#hear(line) })
  }

  /** Partitions that it owns now, as far as it has said; in order. */
  get owned(): number[] {
    return this.#open()
      .map(({ partition }) => partition)
      .sort((one, other) => one - other)
  }

  /** kill -9, and waits until the process is gone: then it owns nothing any more. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.process.ended
    for (const ownership of this.#open()) ownership.untilNs = monotonicNs()
  }

  /** SIGTERM: it leaves the group. */
  async stop(): Promise<void> {
    await this.process.stop(20_000)
  }

  #open(): Ownership[] {
    return this.ownerships.filter(({ untilNs }) => untilNs === Infinity)
  }

  #hear(line: string): void {
    const [time, what, ...words] = line.split(' ')
    if (what !== 'processed') this.story.push(line)
    const atNs = Number(time)
    const partitions = words[0] === undefined || words[0] === '' ? [] : words[0].split(',').map(Number)
    if (what === 'processed') {
      const [partition = NaN, offset = NaN, value = NaN] = words.map(Number)
      this.processed.push({ partition, offset, value, atNs })
    } else if (what === 'ready') {
      this.isReady = true
    } else if (what === 'assigned') {
      this.isReady = this.client.processesLateFetches !== true
      for (const partition of partitions)
        this.ownerships.push({ partition, fromNs: atNs, untilNs: Infinity, lost: false })
    } else if (what === 'revoked' || what === 'lost') {
      this.isReady = this.client.processesLateFetches !== true
      for (const ownership of this.#open()) {
        if (!partitions.includes(ownership.partition)) continue
        ownership.untilNs = atNs
        ownership.lost = what === 'lost'
      }
    }
  }
}

/** The clock that Java's nanoTime, Python's monotonic_ns and Node's hrtime read. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint())
}

const members = join(repositoryRoot, 'test', 'targets', 'members')

export function javaClient(mode: 'range' | 'cooperative-sticky' | 'consumer'): GroupClient {
  return {
    name: `the Java consumer, ${mode}`,
    tellsOwnership: true,
    commitsBeforeRevoke: true,
    async command({ servers, topic, group }) {
      const { classPath }: KafkaJava = await prepareKafkaJava()
      const options = ['-Xmx128M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']
      return ['java', ...options, '-cp', classPath, 'GroupMember', servers, topic, group, mode]
    },
  }
}

export function librdkafkaClient(mode: 'range' | 'cooperative-sticky' | 'consumer'): GroupClient {
  return {
    name: `librdkafka, ${mode}`,
    tellsOwnership: true,
    commitsBeforeRevoke: true,
    command: ({ servers, topic, group }) =>
      Promise.resolve([python, join(members, 'librdkafka.py'), servers, topic, group, mode]),
  }
}

export function platformaticClient(protocol: 'classic' | 'consumer'): GroupClient {
  return {
    name: `@platformatic/kafka, ${protocol}`,
    tellsOwnership: true,
    commitsBeforeRevoke: false,
    processesLateFetches: true,
    command: ({ servers, topic, group }) =>
      Promise.resolve([process.execPath, join(members, 'platformatic.ts'), servers, topic, group, protocol]),
  }
}

export const kafkajsClient: GroupClient = {
  name: 'kafkajs',
  tellsOwnership: true,
  commitsBeforeRevoke: false,
  command: ({ servers, topic, group }) =>
    Promise.resolve([process.execPath, join(members, 'kafkajs.ts'), servers, topic, group]),
}

/** Its lines carry no time, and it commits by itself. */
export const kcatClient: GroupClient = {
  name: 'kcat -G',
  tellsOwnership: false,
  commitsBeforeRevoke: true,
  command: ({ servers, topic, group }) =>
    Promise.resolve([
      'kcat',
      ...`-E -q -u -b ${servers} -G ${group} -X auto.offset.reset=earliest`.split(' '),
      ...'-X auto.commit.interval.ms=100 -X session.timeout.ms=6000 -X heartbeat.interval.ms=300'.split(' '),
      ...'-X reconnect.backoff.max.ms=200 -X topic.metadata.refresh.interval.ms=5000'.split(' '),
      '-f',
      '0 processed %p %o %s\n',
      topic,
    ]),
}
