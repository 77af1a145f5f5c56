/** What a cluster's answers say about its health: counts, and what is wrong with what to do about it. Pure. */
import type { DescribedBroker, DescribedCluster, DescribedReplicas } from '../client/index.ts'

export interface ObservedCluster {
  readonly cluster: DescribedCluster
  readonly partitions: readonly DescribedReplicas[]
  /** Of the topics that have fewer replicas in sync than there are. */
  readonly minInSync: ReadonlyMap<string, number>
  /** Brokers that were asked and did not answer, and why. */
  readonly silent: ReadonlyMap<number, string>
  /** Why no change of topics would be taken now; undefined when it would, or when nobody may know. */
  readonly changesRefused: string | undefined
}

export interface ClusterHealth {
  readonly partitions: number
  readonly topics: number
  readonly offline: readonly DescribedReplicas[]
  readonly underReplicated: readonly DescribedReplicas[]
  readonly underMinInSync: readonly DescribedReplicas[]
  /** Broker → partitions that it leads. */
  readonly led: ReadonlyMap<number, number>
  /** Sentences, the worst first; none: all is well. */
  readonly problems: readonly string[]
}

export function judgeHealth(observed: ObservedCluster): ClusterHealth {
  const { cluster, partitions, minInSync } = observed
  const led = new Map<number, number>()
  for (const { leader } of partitions) if (leader >= 0) led.set(leader, (led.get(leader) ?? 0) + 1)
  const offline = partitions.filter(({ leader }) => leader < 0)
  const isOffline = new Set(offline)
  const behind = partitions.filter(one => one.isr.length < one.replicas.length && !isOffline.has(one))
  const underMinInSync = behind.filter(({ topic, isr }) => isr.length < (minInSync.get(topic) ?? 1))
  const isUnder = new Set(underMinInSync)
  const away = awayBrokers(observed)
  const isThere = ({ id }: DescribedBroker): boolean => !away.includes(id)
  return {
    partitions: partitions.length,
    topics: new Set(partitions.map(({ topic }) => topic)).size,
    offline,
    underReplicated: behind,
    underMinInSync,
    led,
    problems: [
      ...tellOffline(offline, away),
      ...tellUnderMinInSync(underMinInSync),
      ...tellController(observed),
      ...away.map(id => tellAway(id, partitions)),
      ...cluster.brokers.filter(broker => broker.isFenced && isThere(broker)).map(tellFenced),
      ...cluster.brokers
        .filter(isThere)
        .flatMap(broker => tellSilent(broker, observed.silent.get(broker.id))),
      ...tellBehind(behind.filter(one => !isUnder.has(one))),
    ],
  }
}

/** Those that are remembered, by their replicas or by the controller, and are not there. */
function awayBrokers({ cluster, partitions, silent }: ObservedCluster): number[] {
  const gone = cluster.brokers.filter(({ id, isFenced }) => isFenced && silent.has(id))
  const known = new Set(cluster.brokers.map(({ id }) => id))
  const unknown = partitions.flatMap(({ replicas }) => replicas).filter(id => !known.has(id))
  return [...new Set([...gone.map(({ id }) => id), ...unknown])].sort((left, right) => left - right)
}

function tellOffline(offline: readonly DescribedReplicas[], away: readonly number[]): string[] {
  if (offline.length === 0) return []
  const holders = new Set(offline.flatMap(({ isr, replicas }) => (isr.length > 0 ? isr : replicas)))
  const missing = away.filter(id => holders.has(id))
  const cure =
    missing.length > 0
      ? `start ${brokerList(missing)}, whose copies are whole`
      : 'look in the logs of the brokers that hold them'
  return [
    `${counted(offline.length, 'partition is', 'partitions are')} offline (${listed(offline)}): they can be neither written nor read. To get them back, ${cure}; only if those are lost for good, kafka-leader-election.sh --election-type unclean chooses from what is left, and loses records.`,
  ]
}

function tellUnderMinInSync(under: readonly DescribedReplicas[]): string[] {
  if (under.length === 0) return []
  return [
    `${counted(under.length, 'partition has', 'partitions have')} fewer replicas in sync than min.insync.replicas (${listed(under)}): writes with acks=all are refused until ${brokerList(laggards(under))} ${laggards(under).length === 1 ? 'is' : 'are'} back in sync.`,
  ]
}

function tellController({ cluster, changesRefused }: ObservedCluster): string[] {
  if (cluster.controllerId < 0)
    return ['There is no controller: nothing can be changed and no leader elected until one is chosen.']
  if (changesRefused === undefined) return []
  return [
    `Topics cannot be changed now (${changesRefused}). What is there is served on. If this lasts, see whether etcd is well (etcdctl endpoint health) and whether the brokers reach it.`,
  ]
}

function tellAway(id: number, partitions: readonly DescribedReplicas[]): string {
  const held = partitions.filter(({ replicas }) => replicas.includes(id)).length
  if (held === 0)
    return `Broker ${id} is away and holds no replica. Start it again, or, if it is gone for good, take it off the list with kafka-cluster.sh unregister --id ${id}.`
  return `Broker ${id} is away; ${counted(held, 'partition has', 'partitions have')} a replica on it. Start it again, or move its replicas to others with kafka-reassign-partitions.sh.`
}

function tellFenced({ id, host, port }: DescribedBroker): string {
  return `Broker ${id} (${host}:${port}) is registered, but the controller has not let it in: it is starting, or cannot reach the others. Its log tells more.`
}

function tellSilent({ id, host, port }: DescribedBroker, reason: string | undefined): string[] {
  if (reason === undefined) return []
  return [
    `Broker ${id} does not answer at ${host}:${port} from here: ${reason} It may have died just now, or its advertised.listeners are not reachable from this machine.`,
  ]
}

function tellBehind(behind: readonly DescribedReplicas[]): string[] {
  if (behind.length === 0) return []
  const laggard = laggards(behind)
  return [
    `${counted(behind.length, 'partition has', 'partitions have')} replicas that are not in sync (${listed(behind)}), on ${brokerList(laggard)}: they are catching up, or ${laggard.length === 1 ? 'that broker is' : 'those brokers are'} too slow or away.`,
  ]
}

function laggards(partitions: readonly DescribedReplicas[]): number[] {
  const found = new Set(partitions.flatMap(({ replicas, isr }) => replicas.filter(id => !isr.includes(id))))
  return [...found].sort((left, right) => left - right)
}

const mostListed = 5

function listed(partitions: readonly DescribedReplicas[]): string {
  const names = partitions.slice(0, mostListed).map(({ topic, partition }) => `${topic}-${partition}`)
  const more = partitions.length - names.length
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function brokerList(ids: readonly number[]): string {
  if (ids.length === 1) return `broker ${ids[0]}`
  return `brokers ${ids.slice(0, -1).join(', ')} and ${ids.at(-1)}`
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The lines that are shown. */
export function renderHealth(
  title: string,
  { cluster, silent }: ObservedCluster,
  health: ClusterHealth,
): string[] {
  const lines = [`${title}  cluster ${cluster.clusterId}`]
  for (const { id, host, port, rack, isFenced } of cluster.brokers) {
    const state = silent.has(id) ? (isFenced ? '○ away' : '✗ silent') : isFenced ? '! fenced' : '● ready'
    const notes = [
      `${host}:${port}`,
      ...(rack === null ? [] : [`rack ${rack}`]),
      `leads ${health.led.get(id) ?? 0}`,
      ...(id === cluster.controllerId ? ['controller'] : []),
    ]
    lines.push(`  broker ${String(id).padEnd(4)} ${state}  ${notes.join(', ')}`)
  }
  const { offline, underReplicated, underMinInSync, partitions, topics } = health
  lines.push(
    `  partitions  ${partitions} of ${counted(topics, 'topic', 'topics')}: ${offline.length} offline, ${underMinInSync.length} under min ISR, ${underReplicated.length} under-replicated`,
    '',
  )
  if (health.problems.length === 0) lines.push('All is well.')
  else lines.push('What is wrong:', ...health.problems.map(problem => `- ${problem}`))
  return lines
}
