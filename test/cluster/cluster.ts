/** A cluster of real processes: Barnabas with etcd, or Apache Kafka in combined KRaft mode to prove that the tests are right. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Target } from '../targets/broker.ts'
import { prepareKafkaJava } from '../targets/kafka-jars.ts'
import { freePorts, run, waitUntil } from '../targets/processes.ts'
import { createTopicsBody, createTopicsOutcome, apiKeys } from '../targets/wire.ts'
import { type BrokerPlace, ClusterBroker } from './cluster-broker.ts'
import { EtcdMembers } from './etcd-members.ts'
import type { ClusterNetwork } from './network.ts'
import { type ClusterView, type PartitionView, ask, askCluster, askQuorumLeader } from './questions.ts'

export interface ClusterOptions {
  readonly target: Target
  /** Default 3. */
  readonly brokers?: number
  /** Members of etcd, which Apache Kafka does without; default 1. */
  readonly etcd?: number
  /** Null: everything on loopback. */
  readonly network: ClusterNetwork | null
  readonly settings?: Readonly<Record<string, string>>
  /** Bytes of a small disk of its own for each broker's data (a tmpfs); absent: the machine's disk. */
  readonly diskBytes?: number
  readonly core?: number
  /** Of Apache Kafka's JVMs. */
  readonly heap?: string
  /** Barnabas as `npm run build` makes it. */
  readonly built?: boolean
}

const clusterId = 'AAAAAAAAAAAAAAAAAAAAAQ'

export class Cluster {
  readonly target: Target
  readonly brokers: readonly ClusterBroker[]
  /** Null for Apache Kafka. */
  readonly etcd: EtcdMembers | null
  readonly network: ClusterNetwork | null
  readonly directory: string
  readonly #mounts: readonly string[]

  private constructor(
    options: ClusterOptions,
    parts: {
      brokers: readonly ClusterBroker[]
      etcd: EtcdMembers | null
      directory: string
      mounts: string[]
    },
  ) {
    this.target = options.target
    this.network = options.network
    this.brokers = parts.brokers
    this.etcd = parts.etcd
    this.directory = parts.directory
    this.#mounts = parts.mounts
  }

  /** Starts everything and waits until every broker knows all others. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const directory = mkdtempSync(join(tmpdir(), 'barnabas-cluster-'))
    const java = options.target === 'apache-kafka' ? await prepareKafkaJava() : null
    const places = await placesOf(options)
    const etcd = java === null ? await EtcdMembers.start(options.etcd ?? 1, directory, options) : null
    const mounts: string[] = []
    const brokers: ClusterBroker[] = []
    for (const [index, place] of places.entries()) {
      const id = index + 1
      const own = join(directory, `broker-${id}`)
      const data = join(own, 'data')
      mkdirSync(data, { recursive: true })
      if (options.diskBytes !== undefined) {
        await mountSmallDisk(data, options.diskBytes)
        mounts.push(data)
      }
      brokers.push(
        new ClusterBroker({
          target: options.target,
          id,
          place,
          directory: own,
          java,
          heap: options.heap ?? '400M',
          built: options.built ?? false,
          ...(options.core === undefined ? {} : { core: options.core }),
          settings: {
            ...settingsOf(id, place, places, etcd),
            'log.dirs': join(data, 'logs'),
            ...options.settings,
          },
        }),
      )
    }
    const cluster = new Cluster(options, { brokers, etcd, directory, mounts })
    try {
      await Promise.all(brokers.map(broker => broker.format(clusterId)))
      await Promise.all(brokers.map(broker => broker.start()))
      await cluster.complete()
    } catch (error) {
      await cluster.dispose()
      throw error
    }
    return cluster
  }

  get hasSmallDisks(): boolean {
    return this.#mounts.length > 0
  }

  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join(',')
  }

  broker(id: number): ClusterBroker {
    const found = this.brokers.find(broker => broker.id === id)
    if (found === undefined) throw new Error(`There is no broker ${id}.`)
    return found
  }

  /** Waits until every broker tells of every other. */
  async complete(deadlineMs = 60_000): Promise<void> {
    await waitUntil(
      () => `all brokers know each other; they said: ${this.#lastWords()}`,
      async () => {
        const views = await Promise.all(
          this.brokers.map(({ place }) => askCluster(place, []).catch(() => null)),
        )
        return views.every(view => view?.brokers.length === this.brokers.length) || undefined
      },
      { deadlineMs, everyMs: 100 },
    )
  }

  /** What the first broker that answers says of the topics; `except` are not asked. */
  async view(topics: readonly string[], except: readonly ClusterBroker[] = []): Promise<ClusterView> {
    return await waitUntil('a broker answers Metadata', async () => {
      for (const broker of this.brokers) {
        if (!broker.isRunning || broker.isPaused || except.includes(broker)) continue
        const view = await askCluster(broker.place, topics).catch(() => null)
        if (view !== null) return view
      }
      return undefined
    })
  }

  async partition(topic: string, partition: number): Promise<PartitionView> {
    return await waitUntil(`${topic}-${partition} has a leader`, async () => {
      const { partitions } = await this.view([topic])
      const found = partitions.find(one => one.partition === partition)
      return found === undefined || found.leader < 0 ? undefined : found
    })
  }

  async leaderOf(topic: string, partition: number): Promise<ClusterBroker> {
    return this.broker((await this.partition(topic, partition)).leader)
  }

  /** A broker in the in-sync set of the partition that does not lead it. */
  async followerOf(topic: string, partition: number): Promise<ClusterBroker> {
    return await waitUntil(`${topic}-${partition} has a follower in sync`, async () => {
      const { leader, inSync } = await this.partition(topic, partition)
      const id = inSync.find(one => one !== leader)
      return id === undefined ? undefined : this.broker(id)
    })
  }

  async controller(): Promise<ClusterBroker> {
    return await waitUntil('the cluster has a controller', async () => {
      const id = await this.#controllerId()
      return id === null || id < 0 ? undefined : this.broker(id)
    })
  }

  async #controllerId(): Promise<number | null> {
    for (const broker of this.brokers) {
      if (!broker.isRunning || broker.isPaused) continue
      try {
        if (this.target === 'apache-kafka') return await askQuorumLeader(broker.place)
        return (await askCluster(broker.place, [])).controller
      } catch {
        continue // it is cut off, or about to end
      }
    }
    return null
  }

  /** Creates a topic and waits until every partition has a leader and all replicas in sync. */
  async createTopic(
    topic: string,
    partitions: number,
    { replicas = 3, settings = {} as Record<string, string>, deadlineMs = 60_000 } = {},
  ): Promise<void> {
    const body = createTopicsBody([topic], partitions, settings, replicas)
    await waitUntil(
      `${topic} is created`,
      async () => {
        const [broker] = this.brokers.filter(({ isRunning, isPaused }) => isRunning && !isPaused)
        if (broker === undefined) throw new Error('No broker runs that could create a topic.')
        const answer = await ask(broker.place, apiKeys.createTopics, 4, body, deadlineMs)
        const errorCode = createTopicsOutcome(answer)[0]?.errorCode
        if (errorCode === 0 || errorCode === 36) return true // it is there
        if (errorCode === 41 || errorCode === 38 || errorCode === 7) return undefined // not yet
        throw new Error(`Creating ${topic} was refused with error code ${errorCode}.`)
      },
      { deadlineMs },
    )
    await this.inSync(topic, deadlineMs)
  }

  /**
   * Waits until every broker that runs tells that all replicas of the topic are in sync and led: one that was cut off may
   * tell for a while what was true before.
   */
  async inSync(topic: string, deadlineMs = 60_000): Promise<void> {
    let last: readonly string[] = []
    await waitUntil(
      () => `all replicas of ${topic} are in sync; last seen: ${last.join('; ')}`,
      async () => {
        const asked = this.brokers.filter(({ isRunning, isPaused }) => isRunning && !isPaused)
        const views = asked.map(async ({ name, place }) => {
          const view = await askCluster(place, [topic]).catch(() => null)
          if (view === null || view.partitions.length === 0) return `${name} does not tell`
          const missing = behind(view.partitions)
          return missing.length === 0 ? '' : `${name} tells ${JSON.stringify(missing.slice(0, 5))}`
        })
        last = (await Promise.all(views)).filter(words => words !== '')
        return last.length === 0 || undefined
      },
      { deadlineMs, everyMs: 100 },
    )
  }

  /** Every process ends; their files stay until `dispose`. */
  async end(): Promise<void> {
    await Promise.all(this.brokers.map(broker => broker.dispose()))
    await this.etcd?.dispose()
  }

  async dispose(): Promise<void> {
    await this.end()
    for (const mount of this.#mounts) await run('umount', ['--lazy', mount])
    await this.network?.remove()
    if (existsSync(this.directory)) rmSync(this.directory, { recursive: true, force: true })
  }

  #lastWords(): string {
    return this.brokers.map(({ name, output }) => `${name}: ${output.slice(-1_500)}`).join('\n')
  }
}

function behind(partitions: readonly PartitionView[]): readonly PartitionView[] {
  return partitions.filter(({ leader, replicas, inSync }) => leader < 0 || inSync.length < replicas.length)
}

async function placesOf({ brokers = 3, network }: ClusterOptions): Promise<BrokerPlace[]> {
  if (network === null) {
    const ports = await freePorts(4 * brokers)
    return Array.from({ length: brokers }, (_, index) => {
      const [port = 0, internalPort = 0, controlPort = 0, httpPort = 0] = ports.slice(4 * index)
      return { host: '127.0.0.1', port, internalPort, controlPort, httpPort, node: null }
    })
  }
  const places: BrokerPlace[] = []
  for (let id = 1; id <= brokers; id++) {
    const node = await network.add(`broker${id}`)
    const ports = { port: 9092, internalPort: 9091, controlPort: 9090, httpPort: 9404 }
    places.push({ host: node.address, ...ports, node })
  }
  return places
}

function settingsOf(
  id: number,
  place: BrokerPlace,
  places: readonly BrokerPlace[],
  etcd: EtcdMembers | null,
): Record<string, string> {
  const { host, port, internalPort, controlPort, httpPort } = place
  const common = {
    'node.id': String(id),
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.num.partitions': '5',
    'offsets.topic.replication.factor': '3',
    'transaction.state.log.num.partitions': '5',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'log.dirs.reserved.bytes': '8388608',
  }
  if (etcd === null) {
    const { 'log.dirs.reserved.bytes': _ours, ...kafkas } = common
    const voters = places.map((one, index) => `${index + 1}@${one.host}:${one.internalPort}`)
    return {
      ...kafkas,
      'process.roles': 'broker,controller',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': voters.join(','),
      listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${internalPort}`,
      'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    }
  }
  return {
    ...common,
    listeners: `PLAINTEXT://${host}:${port}`,
    'http.listeners': `http://${host}:${httpPort}`,
    'control.listeners': `http://${host}:${controlPort}`,
    'cluster.id': clusterId,
    'etcd.connect': etcd.clientUrls.join(','),
  }
}

async function mountSmallDisk(directory: string, bytes: number): Promise<void> {
  if (process.env['TEST_ISOLATED'] === undefined) {
    throw new Error(
      'Small disks are mounted only in a namespace of their own: run this through test/cluster/isolated.ts.',
    )
  }
  const { exit, stderr } = await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory])
  if (exit !== 0) throw new Error(`A small disk could not be mounted at ${directory}: ${stderr}`)
}
