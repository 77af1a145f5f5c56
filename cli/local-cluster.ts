/** What a Cluster becomes on this machine: how many brokers, and the settings of each. Pure. */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { brokerSettingsOf, type Cluster } from '../operator/index.ts'
import type { FoundCluster, FoundTopic, Place } from './manifests.ts'

export interface LocalCluster {
  readonly cluster: Cluster
  readonly brokers: readonly LocalBroker[]
  /** host:port of every broker, separated by commas, as clients are told. */
  readonly bootstrap: string
  readonly ports: readonly { readonly port: number; readonly what: string; readonly flag: string }[]
  readonly gracePeriodMs: number
  readonly environment: Readonly<Record<string, string>>
  /** Data is thrown away at the end. */
  readonly isEphemeral: boolean
}

export interface LocalBroker {
  readonly id: number
  readonly listeners: readonly { readonly name: string; readonly port: number }[]
  readonly httpPort: number
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
  const brokers = brokersOf(raw)
  const mistakes: string[] = []
  const tooMany = (where: Place, path: readonly string[], replicas: number | undefined): void => {
    if (replicas === undefined || replicas <= brokers) return
    const there = brokers === 1 ? 'there is one broker here' : `there are ${brokers} brokers`
    mistakes.push(
      `${where(path)}: ${path.join('.')} is ${replicas}, but ${there}; give ${brokers === 1 ? '1' : `at most ${brokers}`} or remove it.`,
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

/** As many as were asked for in so many words; else one. */
export function brokersOf(raw: unknown): number {
  return writtenReplicas(raw) ?? 1
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

/** Several brokers count from 0, as on Kubernetes, and have ports next to each other; one alone is broker 1. */
export function planLocally({ cluster, raw }: FoundCluster, options: LocalOptions): LocalCluster {
  const { spec } = cluster
  const env = spec.brokers.template?.env ?? []
  const count = brokersOf(raw)
  const taken = new Set<number>()
  const next = (wanted: number): number => {
    let port = wanted
    while (taken.has(port)) port++
    taken.add(port)
    return port
  }
  const brokers = Array.from(
    { length: count },
    (_, at): LocalBroker => ({
      id: count === 1 ? 1 : at,
      listeners: portsOf(cluster, options).map(({ name, port }) => ({ name, port: next(port) })),
      httpPort: next(options.httpPort),
    }),
  )
  const what = (broker: LocalBroker, port: string): string =>
    count === 1 ? port : `${port} of broker ${broker.id}`
  return {
    cluster,
    brokers,
    bootstrap: brokers
      .map(({ listeners }) => `${advertisedHost(options)}:${listeners[0]?.port ?? 9092}`)
      .join(','),
    ports: brokers.flatMap(broker => [
      ...broker.listeners.map(({ name, port }) => ({
        port,
        what: what(broker, `listener ${name}`),
        flag: '--port',
      })),
      { port: broker.httpPort, what: what(broker, 'metrics'), flag: '--http-port' },
    ]),
    gracePeriodMs: (spec.brokers.template?.terminationGracePeriodSeconds ?? 120) * 1000,
    environment: Object.fromEntries(env.map(({ name, value }) => [name, value ?? ''])),
    isEphemeral: spec.brokers.storage.type === 'Ephemeral',
  }
}

/** The settings file of one broker. */
export function localBrokerSettings(
  { cluster, brokers }: LocalCluster,
  { id, listeners, httpPort }: LocalBroker,
  dataDirectory: string,
  options: LocalOptions,
): Map<string, string> {
  const names = listeners.map(({ name }) => name.toUpperCase())
  const addresses = (host: string): string =>
    listeners.map(({ port }, index) => `${names[index]}://${bracketed(host)}:${port}`).join(',')
  const endpoints = cluster.spec.etcd?.endpoints
  const settings = new Map([
    ['node.id', String(id)],
    ['log.dirs', dataDirectory],
    ['listeners', addresses(options.host)],
    ['advertised.listeners', addresses(advertisedHost(options))],
    ['listener.security.protocol.map', names.map(name => `${name}:PLAINTEXT`).join(',')],
    ['inter.broker.listener.name', names[0] ?? ''],
    ['http.listeners', `http://${bracketed(options.host)}:${httpPort}`],
    // Nobody waits three seconds for more members of a group on a laptop, unless asked to.
    ['group.initial.rebalance.delay.ms', '0'],
  ])
  if (endpoints !== undefined) settings.set('etcd.connect', endpoints.join(','))
  if (brokers.length > 1 || endpoints !== undefined) {
    // In an etcd that others use too, a cluster of that name somewhere else may have keys.
    const where = endpoints === undefined ? '' : ` in ${dirname(dataDirectory)} of ${options.hostname}`
    settings.set('cluster.id', clusterIdOf(cluster, where))
    // Among the brokers here only.
    settings.set('control.listeners', 'http://127.0.0.1:0')
  }
  for (const [name, value] of brokerSettingsOf(cluster, brokers.length)) settings.set(name, value)
  return settings
}

/** The same at each run, though nothing else may be left of the last one. In the form of Kafka's own ids. */
function clusterIdOf({ metadata }: Cluster, where: string): string {
  return createHash('sha256')
    .update(`local cluster ${metadata.name}${where}`)
    .digest('base64url')
    .slice(0, 22)
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
