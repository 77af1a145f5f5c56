/**
 * The settings of the brokers of a Cluster. Those that brokers read once stand in a ConfigMap whose name says its content,
 * so a pod always runs with the one that its template names; those that can be changed while they run are told through
 * the admin protocol and stand nowhere else. Pure.
 */
import { createHash } from 'node:crypto'
import { brokerSettingTable, isBrokerSetting } from '../../broker/config/broker-settings.ts'
import { formatProperties } from '../../broker/config/properties.ts'
import { brokerSettingsOf } from '../resources/broker-config.ts'
import { mostEtcdMembers } from '../resources/cluster-etcd.ts'
import { parseQuantity } from '../resources/field.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import {
  brokersListener,
  childMetadata,
  type ClusterContext,
  etcdPorts,
  hosts,
  logDirectory,
  names,
  ports,
} from '../resources/names.ts'
import { hashOf } from './hash.ts'

export const settingsPath = '/etc/barnabas/settings'
export const brokersPath = '/etc/barnabas/brokers'
export const podPath = '/etc/barnabas/pod'

export interface SplitSettings {
  /** A change restarts brokers. */
  readonly fixed: ReadonlyMap<string, string>
  /** A change is told to running brokers. */
  readonly dynamic: ReadonlyMap<string, string>
}

/** All but what differs from broker to broker. `brokers`: how many there are to be. */
export function splitSettings(context: ClusterContext, brokers: number): SplitSettings {
  const fixed = new Map<string, string>()
  const dynamic = new Map<string, string>()
  for (const [name, value] of brokerSettingsOf(context.cluster, brokers)) {
    const isDynamic = isBrokerSetting(name) && brokerSettingTable[name].update === 'cluster-wide'
    ;(isDynamic ? dynamic : fixed).set(name, value)
  }
  const throttle = parseQuantity(context.cluster.spec.scaling.throttleBytesPerSecond ?? '')
  if (throttle !== undefined) {
    for (const side of ['leader', 'follower']) {
      dynamic.set(`${side}.replication.throttled.rate`, String(throttle))
    }
  }
  for (const [name, value] of placeSettings(context)) fixed.set(name, value)
  return { fixed, dynamic }
}

/** What follows from where they run. */
function placeSettings(context: ClusterContext): ReadonlyMap<string, string> {
  const { listeners } = context.cluster.spec
  const clients = listeners.map(({ name, port }) => ({ name: listenerName(name), port }))
  const all = [...clients, { name: brokersListener, port: ports.brokers }]
  return new Map([
    ['cluster.id', clusterId(context)],
    ['listeners', all.map(({ name, port }) => `${name}://:${port}`).join(',')],
    ['listener.security.protocol.map', all.map(({ name }) => `${name}:PLAINTEXT`).join(',')],
    ['inter.broker.listener.name', brokersListener],
    ['control.listeners', `http://:${ports.control}`],
    ['http.listeners', `http://:${ports.http}`],
    ['log.dirs', logDirectory],
    ['etcd.connect', endpointsForBrokers(context).join(',')],
    ['etcd.prefix', etcdPrefix],
    ['broker.rack.file', `${podPath}/rack`],
    ['controlled.shutdown.delay.ms', String(forgottenWithinMs)],
    ['controlled.shutdown.grant.wait.ms', String(grantWaitMs(context))],
    ['controlled.shutdown.grant.name', hosts.service(context, names.brokers(context))],
  ])
}

/** Services lead no new client to a pod that is going: kube-proxy looks once a second, and has to be told first. */
const forgottenWithinMs = 2000

/** Of its grace a pod keeps so much for what comes when it may be away: leaders go, answers leave, logs are closed. */
const stopMs = 30_000

/** Whoever takes a pod away (a drain, an eviction, kubectl delete) waits for its grace; in it the broker waits for a grant. */
function grantWaitMs({ cluster }: ClusterContext): number {
  const graceMs = gracePeriodSeconds(cluster) * 1000
  return Math.max(Math.floor(graceMs / 2), graceMs - stopMs)
}

export function gracePeriodSeconds({ spec }: ClusterContext['cluster']): number {
  return spec.brokers.template?.terminationGracePeriodSeconds ?? 120
}

export function listenerName(name: string): string {
  return name.toUpperCase()
}

/** Of all members that there may ever be: brokers pass over those that are not there, and none restarts when one comes. */
function endpointsForBrokers(context: ClusterContext): readonly string[] {
  return etcdOf(context).endpoints ?? memberEndpoints(context, mostEtcdMembers)
}

/** Of the first members of an etcd of the cluster's own. */
export function memberEndpoints(context: ClusterContext, members: number): readonly string[] {
  return Array.from(
    { length: members },
    (_, index) => `http://${hosts.etcdMember(context, index)}:${etcdPorts.client}`,
  )
}

/** Below it brokers keep all keys under the identity of their cluster. */
export const etcdPrefix = '/barnabas'

/**
 * Who is made anew under the same name gets its volumes back, those of etcd too, and so has the same identity. In an etcd
 * that is given, a Cluster of that name somewhere else may have keys, so there the identity is that of the object.
 */
function clusterId(context: ClusterContext): string {
  const { namespace, name, uid } = context
  const identity = managedEtcd(context) === undefined ? uid : `${namespace}/${name}`
  return createHash('sha256').update(identity).digest().subarray(0, 16).toString('base64url')
}

type Etcd = NonNullable<ClusterContext['cluster']['spec']['etcd']>
export type ManagedEtcd = NonNullable<Etcd['managed']>

function etcdOf({ cluster }: ClusterContext): Pick<Etcd, 'managed' | 'endpoints'> {
  return cluster.spec.etcd ?? { managed: { replicas: 3, storage: { size: '4Gi' } } }
}

export function managedEtcd(context: ClusterContext): ManagedEtcd | undefined {
  return etcdOf(context).managed
}

/** The settings that all brokers read when they start. */
export function settingsConfigMap(context: ClusterContext, settings: SplitSettings): KubeObject {
  const text = formatProperties(settings.fixed)
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMetadata(context, names.settings(context, hashOf(text)), 'broker'),
    data: { 'server.properties': text },
  }
}

/** Broker id → listener → address told to clients, host:port. A listener without one is not told yet. */
export type Addresses = ReadonlyMap<number, ReadonlyMap<string, string>>

/**
 * What differs from broker to broker: a file for each. `racks` are those that pods were told: what a new pod goes on with when
 * nobody is there to tell it. `older`: files that pods of an older template read when their container starts anew.
 */
export function brokersConfigMap(
  context: ClusterContext,
  addresses: Addresses,
  racks: ReadonlyMap<number, string>,
  older: Readonly<Record<string, string>>,
): KubeObject {
  const files = [...addresses].map(([id, byListener]): [string, string] => {
    const settings = new Map([
      ['node.id', String(id)],
      ['advertised.listeners', advertisedListeners(context, id, byListener)],
      ['control.advertised.listener', `http://${hosts.broker(context, id)}:${ports.control}`],
    ])
    const rack = racks.get(id)
    if (rack !== undefined) settings.set('broker.rack', rack)
    return [brokerFile(context, id), formatProperties(settings)]
  })
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: childMetadata(context, names.brokers(context), 'broker'),
    data: { ...older, ...Object.fromEntries(files) },
  }
}

/** Another one for other listeners: a broker does not start with an address of a listener that it does not have. */
export function brokerFile({ cluster }: Pick<ClusterContext, 'cluster'>, id: number | string): string {
  const listeners = cluster.spec.listeners.map(({ name }) => name).sort()
  return `broker-${id}-${hashOf(listeners)}.properties`
}

export function advertisedListeners(
  context: ClusterContext,
  id: number,
  byListener: ReadonlyMap<string, string>,
): string {
  const clients = context.cluster.spec.listeners.flatMap(({ name }) => {
    const address = byListener.get(name)
    return address === undefined ? [] : [`${listenerName(name)}://${address}`]
  })
  return [...clients, `${brokersListener}://${hosts.broker(context, id)}:${ports.brokers}`].join(',')
}
