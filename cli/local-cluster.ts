/** What a Cluster becomes on this machine: how many brokers, and the settings of each. Pure. */
import { brokerSettingsOf, type Cluster } from '../operator/index.ts'
import type { FoundCluster, FoundTopic, Place } from './manifests.ts'

export interface LocalCluster {
  readonly cluster: Cluster
  /** host:port that clients are told. */
  readonly bootstrap: string
  readonly ports: readonly { readonly port: number; readonly what: string }[]
  readonly gracePeriodMs: number
  readonly environment: Readonly<Record<string, string>>
  /** Data is thrown away at the end. */
  readonly isEphemeral: boolean
}

export interface LocalOptions {
  readonly host: string
  readonly port?: number | undefined
  readonly httpPort: number
  /** Name of this machine, told to clients when the host is every address. */
  readonly hostname: string
}

/** Whole sentences on what this version cannot run here. */
export function checkLocally(found: FoundCluster, topics: readonly FoundTopic[]): readonly string[] {
  const { cluster, place, raw } = found
  const wanted = writtenReplicas(raw)
  if (wanted !== undefined && wanted > 1) {
    return [
      `${place(['spec', 'brokers', 'replicas'])}: spec.brokers.replicas is ${wanted}, but several brokers need etcd, which this version does not yet run; give 1.`,
    ]
  }
  const mistakes: string[] = []
  const tooMany = (where: Place, path: readonly string[], replicas: number | undefined): void => {
    if (replicas === undefined || replicas === 1) return
    mistakes.push(
      `${where(path)}: ${path.join('.')} is ${replicas}, but there is one broker here; give 1 or remove it.`,
    )
  }
  const { topicDefaults } = cluster.spec
  tooMany(place, ['spec', 'topicDefaults', 'replicationFactor'], topicDefaults.replicationFactor)
  tooMany(place, ['spec', 'topicDefaults', 'minInsyncReplicas'], topicDefaults.minInsyncReplicas)
  for (const { topic, place: where } of topics) {
    tooMany(where, ['spec', 'replicationFactor'], topic.spec.replicationFactor)
    tooMany(where, ['spec', 'minInsyncReplicas'], topic.spec.minInsyncReplicas)
  }
  return mistakes
}

function writtenReplicas(raw: unknown): number | undefined {
  const spec = (raw as { spec?: { brokers?: { replicas?: unknown } | null } | null }).spec
  const replicas = spec?.brokers?.replicas
  return typeof replicas === 'number' ? replicas : undefined
}

/** A sentence when one broker stands in for several that nobody asked for in so many words. */
export function noteOnBrokers({ raw, place }: FoundCluster): string | undefined {
  if (writtenReplicas(raw) !== undefined) return undefined
  return `${place(['spec'])}: spec.brokers.replicas is not given; one broker is run here (on Kubernetes it would be three).`
}

export function planLocally(cluster: Cluster, options: LocalOptions): LocalCluster {
  const { spec } = cluster
  const env = spec.brokers.template?.env ?? []
  return {
    cluster,
    bootstrap: `${advertisedHost(options)}:${portsOf(cluster, options)[0]?.port ?? 9092}`,
    ports: [
      ...portsOf(cluster, options).map(({ name, port }) => ({ port, what: `listener ${name}` })),
      { port: options.httpPort, what: 'metrics' },
    ],
    gracePeriodMs: (spec.brokers.template?.terminationGracePeriodSeconds ?? 120) * 1000,
    environment: Object.fromEntries(env.map(({ name, value }) => [name, value ?? ''])),
    isEphemeral: spec.brokers.storage.type === 'Ephemeral',
  }
}

/** The settings file of broker 1. */
export function localBrokerSettings(
  cluster: Cluster,
  dataDirectory: string,
  options: LocalOptions,
): ReadonlyMap<string, string> {
  const listeners = portsOf(cluster, options)
  const names = listeners.map(({ name }) => name.toUpperCase())
  const addresses = (host: string): string =>
    listeners.map(({ port }, index) => `${names[index]}://${bracketed(host)}:${port}`).join(',')
  const settings = new Map([
    ['node.id', '1'],
    ['log.dirs', dataDirectory],
    ['listeners', addresses(options.host)],
    ['advertised.listeners', addresses(advertisedHost(options))],
    ['listener.security.protocol.map', names.map(name => `${name}:PLAINTEXT`).join(',')],
    ['inter.broker.listener.name', names[0] ?? ''],
    ['http.listeners', `http://${bracketed(options.host)}:${options.httpPort}`],
    // Nobody waits three seconds for more members of a group on a laptop, unless asked to.
    ['group.initial.rebalance.delay.ms', '0'],
  ])
  for (const [name, value] of brokerSettingsOf(cluster, 1)) settings.set(name, value)
  return settings
}

function portsOf({ spec }: Cluster, { port }: LocalOptions): { name: string; port: number }[] {
  return spec.listeners.map((listener, index) => ({
    name: listener.name,
    port: index === 0 && port !== undefined ? port : listener.port,
  }))
}

function advertisedHost({ host, hostname }: LocalOptions): string {
  if (host === '127.0.0.1' || host === '::1') return 'localhost'
  return host === '0.0.0.0' || host === '::' ? hostname : host
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
