/**
 * What can be done to a cluster, each as a sentence, a beginning and an end. Victims are chosen by asking the cluster at the
 * moment at which the fault begins.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Random, randomInt } from '../../runtime/random.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterBroker } from './cluster-broker.ts'
import { letPass } from './let-pass.ts'
import type { ClusterNetwork, NetworkNode } from './network.ts'

export interface Scene {
  readonly cluster: Cluster
  readonly topic: string
  readonly partitions: number
  readonly random: Random
}

/** A fault that has begun. */
export interface Harm {
  /** Who was hit. */
  readonly victim: string
  /** Undoes it; what it does not wait for: that the cluster is whole again. */
  heal(): Promise<void>
}

export interface Fault {
  readonly name: string
  readonly applies: (cluster: Cluster) => boolean
  readonly begin: (scene: Scene) => Promise<Harm>
}

type Victim = 'leader' | 'follower' | 'controller'

const victims: readonly Victim[] = ['leader', 'follower', 'controller']

function choose(victim: Victim, { cluster, topic, partitions, random }: Scene): Promise<ClusterBroker> {
  if (victim === 'controller') return cluster.controller()
  const partition = randomInt(random, partitions)
  return victim === 'leader' ? cluster.leaderOf(topic, partition) : cluster.followerOf(topic, partition)
}

const always = (): boolean => true
const hasNetwork = ({ network }: Cluster): boolean => network !== null
const hasEtcd = ({ etcd }: Cluster): boolean => etcd !== null
const hasThreeEtcd = ({ etcd }: Cluster): boolean => etcd?.members.length === 3

/** A fault that hits one broker. */
function onBroker(
  name: string,
  victim: Victim,
  applies: Fault['applies'],
  harm: (broker: ClusterBroker, scene: Scene) => Promise<() => Promise<void>>,
): Fault {
  return {
    name,
    applies,
    begin: async scene => {
      const broker = await choose(victim, scene)
      return { victim: broker.name, heal: await harm(broker, scene) }
    },
  }
}

const killed = victims.map(victim =>
  onBroker(`the ${victim} is killed`, victim, always, async broker => {
    await broker.kill()
    return () => broker.start()
  }),
)

const paused = victims.map(victim =>
  onBroker(`the ${victim} is paused`, victim, always, async broker => {
    broker.pause()
    return async () => broker.continue()
  }),
)

const cutOff = victims.map(victim =>
  onBroker(`the ${victim} is cut off from everybody`, victim, hasNetwork, async (broker, { cluster }) => {
    const { network, node } = placeInNetwork(cluster, broker)
    await network.cutOff(node)
    return () => network.rejoin(node)
  }),
)

const halfCut = victims.map(victim =>
  onBroker(`the ${victim} cannot send to the others`, victim, hasNetwork, async (broker, { cluster }) => {
    const { network, node } = placeInNetwork(cluster, broker)
    const others = cluster.brokers.flatMap(({ place }) =>
      place.node === null || place.node === node ? [] : [place.node],
    )
    await network.lose(node, others)
    return () => network.deliver(node, others)
  }),
)

const withoutEtcd = victims.map(victim =>
  onBroker(
    `the ${victim} is cut off from etcd alone`,
    victim,
    cluster => hasNetwork(cluster) && hasEtcd(cluster),
    async (broker, { cluster }) => {
      const { network, node } = placeInNetwork(cluster, broker)
      const members = cluster.etcd?.members.flatMap(({ node: at }) => (at === null ? [] : [at])) ?? []
      await network.lose(node, members)
      return () => network.deliver(node, members)
    },
  ),
)

/** A broker that found the disk full just before there was room again is gone by then. */
const untilItHasEndedMs = 2_000

const diskFull = onBroker(
  "the leader's disk is full",
  'leader',
  ({ hasSmallDisks }) => hasSmallDisks,
  async broker => {
    const filler = join(broker.diskDirectory, 'filler')
    fill(filler)
    return async () => {
      rmSync(filler)
      // Apache Kafka ends when its only data directory fails; ours when it may not go on without what it could not write.
      await letPass(untilItHasEndedMs)
      if (!broker.isRunning) await broker.start()
    }
  },
)

const etcdKilled: Fault = {
  name: 'an etcd member is killed',
  applies: hasEtcd,
  begin: async ({ cluster, random }) => {
    const members = cluster.etcd?.members ?? []
    const member = members[randomInt(random, members.length)]
    if (member === undefined) throw new Error('There is no etcd to kill.')
    await member.kill()
    return { victim: member.name, heal: async () => member.spawn() }
  },
}

const etcdLeaderPaused: Fault = {
  name: "etcd's leader is paused",
  applies: hasEtcd,
  begin: async ({ cluster }) => {
    const member = await etcdOf(cluster).leader()
    member.pause()
    return { victim: member.name, heal: async () => member.continue() }
  },
}

const etcdCompacted: Fault = {
  name: 'etcd is compacted',
  applies: hasEtcd,
  begin: async ({ cluster }) => {
    await etcdOf(cluster).compact()
    return { victim: 'etcd', heal: async () => {} }
  },
}

const etcdRestarted: Fault = {
  name: 'all of etcd is killed and started again',
  applies: hasEtcd,
  begin: async ({ cluster }) => {
    const { members } = etcdOf(cluster)
    for (const member of members) await member.kill()
    return {
      victim: 'etcd',
      heal: async () => {
        for (const member of members) member.spawn()
      },
    }
  },
}

const etcdWithoutMajority: Fault = {
  name: 'two of three etcd members are dead',
  applies: hasThreeEtcd,
  begin: async ({ cluster }) => {
    const dead = etcdOf(cluster).members.slice(0, 2)
    for (const member of dead) await member.kill()
    return {
      victim: dead.map(({ name }) => name).join(' and '),
      heal: async () => {
        for (const member of dead) member.spawn()
      },
    }
  },
}

const restarted: Fault = {
  name: 'a broker is restarted gracefully',
  applies: always,
  begin: async ({ cluster, random }) => {
    const broker = cluster.brokers[randomInt(random, cluster.brokers.length)]
    if (broker === undefined) throw new Error('There is no broker.')
    await broker.stop()
    return { victim: broker.name, heal: () => broker.start() }
  },
}

export const faults: readonly Fault[] = [
  ...killed,
  ...paused,
  ...cutOff,
  ...halfCut,
  ...withoutEtcd,
  diskFull,
  etcdKilled,
  etcdLeaderPaused,
  etcdCompacted,
  etcdRestarted,
  etcdWithoutMajority,
  restarted,
]

export function faultNamed(name: string): Fault {
  const found = faults.find(fault => fault.name === name)
  if (found === undefined) throw new Error(`There is no fault '${name}'.`)
  return found
}

function etcdOf({ etcd }: Cluster): NonNullable<Cluster['etcd']> {
  if (etcd === null) throw new Error('This cluster has no etcd.')
  return etcd
}

function placeInNetwork(
  { network }: Cluster,
  { place }: ClusterBroker,
): { readonly network: ClusterNetwork; readonly node: NetworkNode } {
  if (network === null || place.node === null)
    throw new Error('This cluster is not in a network that can be cut.')
  return { network, node: place.node }
}

/** Writes until the disk has no room for another byte. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let size = 1_048_576; size >= 1; size = Math.floor(size / 2)) {
      const bytes = Buffer.alloc(size)
      try {
        while (writeSync(file, bytes) === size) continue
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(file)
  }
}
