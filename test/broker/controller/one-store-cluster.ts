import type { ControllerClient } from '../../../broker/controller/controller-client.ts'
import { ClusterMembership, type ClusterMember } from '../../../broker/controller/cluster-membership.ts'
import type { ControllerRules } from '../../../broker/controller/decision.ts'
import { EmbeddedStore } from '../../../broker/metadata/embedded-store.ts'
import type { MetadataImage, PartitionImage } from '../../../broker/metadata/image.ts'
import type { MetadataStore } from '../../../broker/metadata/metadata-store.ts'
import { silentLogger } from '../../../runtime/logger.ts'
import { seededRandom } from '../../../runtime/random.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { until } from '../../support/until.ts'

/** Brokers of one cluster on one embedded store, each with a clock of its own: a clock that stands is a stopped broker. */
export class OneStoreCluster {
  readonly disk: FakeDisk
  store: EmbeddedStore
  storeClock: FakeClock
  readonly brokers = new Map<number, TestBroker>()
  readonly #started = new Set<TestBroker>()
  #starts = 0
  /** What a clean stop leaves on a broker's disk. */
  readonly #stoppedCleanlyIn = new Map<number, number>()
  #rules = testRules()
  readonly #wrapStore: (store: EmbeddedStore) => MetadataStore

  private constructor(
    disk: FakeDisk,
    store: EmbeddedStore,
    clock: FakeClock,
    wrap: (store: EmbeddedStore) => MetadataStore,
  ) {
    this.disk = disk
    this.store = store
    this.storeClock = clock
    this.#wrapStore = wrap
  }

  static async start(
    ids: readonly number[] = [1],
    wrapStore: (store: EmbeddedStore) => MetadataStore = store => store,
    rules: Partial<ControllerRules> = {},
  ): Promise<OneStoreCluster> {
    const disk = new FakeDisk()
    const clock = new FakeClock()
    const cluster = new OneStoreCluster(disk, await openStore(disk, clock), clock, wrapStore)
    cluster.#rules = testRules(rules)
    for (const id of ids) await cluster.join(id)
    return cluster
  }

  get image(): MetadataImage {
    return this.running[0]!.membership.image
  }

  get running(): TestBroker[] {
    return [...this.#started].filter(broker => !broker.isStopped)
  }

  /** The active controller's face. */
  get controller(): ControllerClient {
    return this.activeBroker.membership.controller
  }

  get activeBroker(): TestBroker {
    const active = this.running.find(
      ({ membership }) => membership.controllerEpoch !== undefined && membership.isRegistered,
    )
    if (active === undefined) throw new Error('No broker is the controller.')
    return active
  }

  partition(topic: string, index = 0): PartitionImage {
    const partition = this.image.topicsByName.get(topic)?.partitions[index]
    if (partition === undefined) throw new Error(`No partition ${topic}-${index}.`)
    return partition
  }

  async join(id: number, member: Partial<ClusterMember> = {}): Promise<TestBroker> {
    const clock = new FakeClock()
    const store = this.#wrapStore(this.store)
    const membership = await ClusterMembership.open({
      store,
      clock,
      random: seededRandom(id + 1000 * this.#starts++),
      logger: silentLogger,
    })
    const broker: TestBroker = { id, membership, clock, isStopped: false }
    this.brokers.set(id, broker)
    this.#started.add(broker)
    const previousEpoch = this.#stoppedCleanlyIn.get(id) ?? -1
    this.#stoppedCleanlyIn.delete(id)
    await this.during(membership.join({ ...testMember(id), rules: this.#rules, previousEpoch, ...member }))
    return broker
  }

  /** The broker's process stands still: nothing of it runs, and its lease is not renewed. */
  pause(id: number): void {
    this.brokers.get(id)!.isStopped = true
  }

  resume(id: number): void {
    this.brokers.get(id)!.isStopped = false
  }

  async leave(id: number, clean = true): Promise<void> {
    const broker = this.brokers.get(id)!
    this.brokers.delete(id)
    await this.stop(broker, clean)
  }

  async stop(broker: TestBroker, clean = true): Promise<void> {
    const { brokerEpoch } = broker.membership
    if (clean && brokerEpoch !== undefined) this.#stoppedCleanlyIn.set(broker.id, brokerEpoch)
    await this.during(broker.membership.leave({ clean }))
    this.#started.delete(broker)
  }

  /** Everything dies at once; the directory is opened by a new process with no broker in it. */
  async crashAndReopen(): Promise<void> {
    this.brokers.clear()
    this.#started.clear()
    this.#stoppedCleanlyIn.clear()
    this.disk.kill()
    this.storeClock = new FakeClock()
    this.store = await openStore(this.disk, this.storeClock)
  }

  /** Lets time go by for the store and for all brokers that are not stopped. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      const step = Math.min(500, left)
      for (const broker of this.running) broker.clock.advance(step)
      this.storeClock.advance(step)
      await this.store.read('')
      await oneTurn()
    }
  }

  /** Runs what is due until the condition holds. */
  until(holds: () => boolean): Promise<void> {
    const holdsNow = (): boolean => {
      if (holds()) return true
      this.#runDue()
      return false
    }
    return until(holdsNow, holds.toString(), 4000)
  }

  async during<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => undefined)
    await this.until(() => isSettled)
    return promise
  }

  async dispose(): Promise<void> {
    await this.store.close().catch(() => undefined)
  }

  #runDue(): void {
    for (const broker of this.running) broker.clock.advance(0)
    this.storeClock.advance(0)
  }
}

export interface TestBroker {
  readonly id: number
  readonly membership: ClusterMembership
  readonly clock: FakeClock
  isStopped: boolean
}

export function testMember(brokerId: number): ClusterMember {
  return {
    brokerId,
    listeners: [
      { name: 'PLAINTEXT', host: 'localhost', port: 9092 + brokerId, securityProtocol: 'PLAINTEXT' },
    ],
    rack: null,
    logDirectories: () => [],
    sessionTimeoutMs: 9000,
    heartbeatMs: 2000,
    rules: testRules(),
  }
}

/** Rules in which `bad.setting` is never allowed, `cleanup.policy` is a list, and everything else passes. */
export function testRules(changes: Partial<ControllerRules> = {}): ControllerRules {
  return {
    defaultPartitions: () => 1,
    defaultReplicationFactor: () => 1,
    deletesTopics: () => true,
    electsUncleanly: () => false,
    balancesLeaders: () => true,
    leaderBalanceIntervalMs: () => 300_000,
    configs: {
      findMistake: (_, overrides) => (overrides.has('bad.setting') ? 'Unknown setting bad.setting.' : null),
      isList: (_, setting) => setting === 'cleanup.policy',
      defaultValue: (_, setting) => (setting === 'cleanup.policy' ? 'delete' : null),
    },
    ...changes,
  }
}

export function newTopic(
  name: string,
  numPartitions = 1,
  replicationFactor = 1,
): {
  name: string
  numPartitions: number
  replicationFactor: number
  assignments: never[]
  configs: { name: string; value: string | null }[]
} {
  return { name, numPartitions, replicationFactor, assignments: [], configs: [] }
}

/** What was begun by now gets a turn of the loop. */
function oneTurn(): Promise<void> {
  let turns = 0
  return until(() => turns++ > 0, 'the loop turns')
}

function openStore(disk: FakeDisk, clock: FakeClock): Promise<EmbeddedStore> {
  return EmbeddedStore.open({ directory: '/data/.metadata', disk, clock, logger: silentLogger })
}
