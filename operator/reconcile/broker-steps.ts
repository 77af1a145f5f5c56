/** The steps that make the objects of the brokers be as they should. Pure. */
import { brokerFile, brokersConfigMap, settingsConfigMap, splitSettings } from '../desired/broker-settings.ts'
import { bootstrapService, brokersService, listenerServices } from '../desired/services.ts'
import { brokersBudget, networkPolicies, serviceAccount } from '../desired/small-objects.ts'
import { brokersStatefulSet } from '../desired/stateful-set.ts'
import { parseProperties } from '../../broker/config/properties.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { names, rackAnnotation } from '../resources/names.ts'
import { settingChanges } from '../resources/setting-changes.ts'
import type { ClusterAction } from './actions.ts'
import { type AddressInput, bootstrapAddress, decideAddresses } from './addresses.ts'
import { partitionsOutOfSync } from './observed-cluster.ts'
import type { PodFacts } from './pods.ts'
import { isSameBrokerSetting } from './same-setting.ts'
import { decideScale } from './scaling.ts'
import { applyAll, type Findings, isOwnChild, liveObject, type Situation, type Step } from './situation.ts'
import { imageChange, otherTemplate, wantedRevision } from './templates.ts'
import { decideThrottle, rememberedTopics, throttledAnnotation } from './throttle.ts'

/** On the ConfigMap of brokers: settings that were told to running brokers, so that they can be taken back. */
const dynamicAnnotation = 'barnabas.dev/told-settings'
/** Told to a pod whose node has none. */
const noRack = '-'
/** On the StatefulSet: replicas are being spread over brokers that came. */
const rebalanceAnnotation = 'barnabas.dev/rebalancing'
/** How long starts and restarts wait for addresses from outside Kubernetes, rather than be repeated for them. */
const addressWaitMs = 120_000

export const identityStep: Step = (situation, findings) => {
  const { context } = situation
  return { actions: applyAll(situation, findings, [serviceAccount(context), ...networkPolicies(context)]) }
}

export const scaleStep: Step = (situation, findings) => {
  const { context, observed } = situation
  const live = liveObject(situation, 'StatefulSet', names.brokers(context))
  const { scaling, brokers } = context.cluster.spec
  const scale = decideScale({
    wanted: brokers.replicas,
    current: (live?.spec as { readonly replicas?: number } | undefined)?.replicas,
    kafka: observed.kafka,
    onScaleUp: scaling.onScaleUp,
    isRebalancing: live?.metadata.annotations?.[rebalanceAnnotation] === 'true',
  })
  findings.scale = scale
  findings.throttle = decideThrottle(
    scaling.throttleBytesPerSecond !== undefined,
    scale.moves,
    rememberedTopics(live),
    observed.kafka,
  )
  findings.brokers = Array.from({ length: scale.replicas }, (_, id) => id)
  if (scale.blocked !== undefined) findings.trouble.push(`Brokers cannot become fewer: ${scale.blocked}.`)
  if (scale.waitsFor !== undefined) findings.waiting.push(scale.waitsFor)
  return { actions: [] }
}

export const serviceStep: Step = (situation, findings) => {
  const { context } = situation
  return {
    actions: applyAll(situation, findings, [
      brokersService(context),
      bootstrapService(context),
      ...listenerServices(context, findings.brokers),
    ]),
  }
}

/** What brokers read when they start: settings of all, and a file for each with the addresses it tells. */
export const settingsStep: Step = (situation, findings) => {
  const { context, observed } = situation
  // What follows from the number of brokers follows from what is asked for, not from a drain that is under way.
  const settings = splitSettings(context, context.cluster.spec.brokers.replicas)
  const shared = settingsConfigMap(context, settings)
  findings.settingsName = shared.metadata.name

  const input = addressInput(situation, findings.brokers)
  const { addresses, missing } = decideAddresses(input)
  findings.waiting.push(...missing)
  findings.listeners = context.cluster.spec.listeners.map(listener => ({
    name: listener.name,
    bootstrap: bootstrapAddress(input, listener),
    addresses: [...addresses.values()].flatMap(byListener => byListener.get(listener.name) ?? []),
  }))

  const brokers = brokersConfigMap(
    context,
    addresses,
    racksOf(situation, findings.brokers),
    olderFiles(situation, findings.settingsName),
  )
  const told = toldSettings(situation)
  const isStillSet = (name: string): boolean =>
    observed.kafka.kind === 'unreachable' || observed.kafka.dynamicSettings.has(name)
  const known = [...new Set([...settings.dynamic.keys(), ...told.filter(isStillSet)])].sort()
  const annotated = {
    ...brokers,
    metadata: { ...brokers.metadata, annotations: { [dynamicAnnotation]: known.join(',') } },
  }
  const actions = applyAll(situation, findings, [shared, annotated])
  const waits = missing.length > 0 && observed.nowMs - newestServiceMs(situation, findings) < addressWaitMs
  if (waits) findings.awaitedAddress = missing[0]
  const hasBrokers = liveObject(situation, 'StatefulSet', names.brokers(context)) !== undefined
  if (waits && !hasBrokers) return { actions, stop: true, againAfterMs: 2000 }
  return { actions, ...(missing.length === 0 ? {} : { againAfterMs: waits ? 2000 : 10_000 }) }
}

/** Files of other listeners, as long as there is a pod that may read them again. */
function olderFiles(situation: Situation, settingsName: string): Readonly<Record<string, string>> {
  if (situation.brokerPods.every(({ settings }) => settings === settingsName)) return {}
  return liveObject(situation, 'ConfigMap', names.brokers(situation.context))?.data ?? {}
}

/** When the last of the Services was made; now, as long as one is missing. */
function newestServiceMs({ observed }: Situation, { wanted }: Findings): number {
  const made = new Map(
    observed.children.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.creationTimestamp]),
  )
  const services = [...wanted].filter(key => key.startsWith('Service/'))
  return Math.max(...services.map(key => Date.parse(made.get(key) ?? '') || observed.nowMs))
}

export const statefulSetStep: Step = (situation, findings) => {
  const { context } = situation
  const { replicas = 0, isRebalancing = false } = findings.scale ?? {}
  const rendered = brokersStatefulSet(context, { replicas, settings: findings.settingsName })
  const throttled = findings.throttle?.remembered ?? []
  const annotations = {
    ...(isRebalancing ? { [rebalanceAnnotation]: 'true' } : {}),
    ...(throttled.length > 0 ? { [throttledAnnotation]: throttled.join(',') } : {}),
  }
  const statefulSet: KubeObject =
    Object.keys(annotations).length === 0
      ? rendered
      : { ...rendered, metadata: { ...rendered.metadata, annotations } }
  return { actions: applyAll(situation, findings, [statefulSet]) }
}

/** Tells every pod that has a node in which zone that is. */
export const rackStep: Step = ({ context, observed, brokerPods }) => {
  const { topologyKey } = context.cluster.spec.brokers.rack
  const actions = brokerPods.flatMap(({ name, uid, node, rack, isTerminating }): ClusterAction[] => {
    if (node === undefined || rack !== undefined || isTerminating) return []
    const labels = observed.nodes.get(node)?.labels
    if (labels === undefined) return []
    return [
      {
        kind: 'annotatePod',
        pod: name,
        uid,
        annotations: { [rackAnnotation]: labels[topologyKey] ?? noRack },
      },
    ]
  })
  return { actions }
}

/** Settings that running brokers take without a restart. Those that we told once and nobody gives any more go back. */
export const dynamicSettingsStep: Step = situation => {
  const { context, observed } = situation
  const { kafka } = observed
  if (kafka.kind === 'unreachable') return { actions: [] }
  const { dynamic } = splitSettings(context, context.cluster.spec.brokers.replicas)
  const told = toldSettings(situation)
  const changes = settingChanges(dynamic, kafka.dynamicSettings, told, isSameBrokerSetting).map(
    ({ name, to }) => ({
      name,
      value: to,
    }),
  )
  if (changes.length === 0) return { actions: [] }
  return { actions: [{ kind: 'alterBrokerSettings', broker: null, changes }], againAfterMs: 1000 }
}

/** Cordons brokers that leave, moves their replicas away, and spreads replicas over those that came. */
export const moveStep: Step = (_, findings) => {
  const { scale, throttle } = findings
  if (scale === undefined) return { actions: [] }
  const throttled = (topics: readonly string[] = [], isThrottled: boolean): ClusterAction[] =>
    topics.length === 0 ? [] : [{ kind: 'throttleTopics', topics, isThrottled }]
  const cordoned = (ids: readonly number[], value: string | null): ClusterAction[] =>
    ids.map(broker => ({
      kind: 'alterBrokerSettings',
      broker,
      changes: [{ name: 'cordoned.log.dirs', value }],
    }))
  const why = scale.draining.length > 0 ? `brokers ${scale.draining.join(', ')} leave` : 'brokers came'
  const actions: ClusterAction[] = [
    ...cordoned(scale.cordon, '*'),
    ...cordoned(scale.uncordon, null),
    ...throttled(throttle?.end, false),
    ...throttled(throttle?.begin, true),
    ...(scale.moves.length === 0 ? [] : [{ kind: 'movePartitions', moves: scale.moves, why } as const]),
  ]
  return { actions, ...(scale.waitsFor === undefined && actions.length === 0 ? {} : { againAfterMs: 2000 }) }
}

/** Follows what brokers grant: a drain may take one away only when nothing else is away or behind. */
export const budgetStep: Step = (situation, findings) => {
  const { context, observed, brokerPods } = situation
  const { kafka } = observed
  const areAllReady =
    findings.brokers.every(id => brokerPods.some(pod => pod.index === id && pod.isReady)) &&
    kafka.kind === 'reached' &&
    partitionsOutOfSync(kafka, 1).length === 0
  // Of a single broker nobody can take the place, and a drain must end all the same.
  const mayBeAway = findings.brokers.length === 1 || (areAllReady && observed.heldGrant === undefined) ? 1 : 0
  return { actions: applyAll(situation, findings, [brokersBudget(context, mayBeAway)]) }
}

/** What belonged to an earlier shape of the Cluster and to nobody any more. */
export const cleanUpStep: Step = (situation, findings) => {
  const { observed, brokerPods } = situation
  const used = new Set(brokerPods.map(({ settings }) => `ConfigMap/${settings}`))
  const actions = observed.children.flatMap((child): ClusterAction[] => {
    const key = `${child.kind}/${child.metadata.name}`
    if (child.kind === 'Pod' || child.kind === 'PersistentVolumeClaim') return []
    if (!isOwnChild(situation, child) || findings.wanted.has(key) || used.has(key)) return []
    if (child.metadata.deletionTimestamp !== undefined) return []
    const { apiVersion, kind, metadata } = child
    const ref = { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
    return [{ kind: 'delete', ref, uid: metadata.uid, why: 'the Cluster does not ask for it any more' }]
  })
  return { actions }
}

/** Broker → why what it runs with is not what it should; for those whose pods are there. */
export function restartReasons(situation: Situation, settingsName: string): ReadonlyMap<number, string> {
  const { context, observed, brokerPods } = situation
  const live = liveObject(situation, 'StatefulSet', names.brokers(context))
  const revision = wantedRevision(live)
  const reasons = new Map<number, string>()
  if (revision === undefined) return reasons
  const files = liveObject(situation, 'ConfigMap', names.brokers(context))?.data ?? {}
  for (const pod of brokerPods) {
    if (pod.isTerminating) continue
    if (pod.revision !== revision) {
      reasons.set(pod.index, templateChange(situation, pod, settingsName))
      continue
    }
    const running = observed.kafka.kind === 'reached' ? observed.kafka.advertised.get(pod.index) : undefined
    const wanted = propertyOf(files[brokerFile(context, pod.index)], 'advertised.listeners')
    if (running !== undefined && wanted !== undefined && running !== wanted) {
      reasons.set(pod.index, `addresses for clients change from ${running} to ${wanted}`)
    }
    const rack = rackChange(situation, pod)
    if (rack !== undefined) reasons.set(pod.index, rack)
  }
  return reasons
}

/** A broker that started while nobody told it where it is goes by what it knew. */
function rackChange({ observed }: Situation, { index, rack, isReady }: PodFacts): string | undefined {
  if (observed.kafka.kind === 'unreachable' || !isReady || rack === undefined) return undefined
  const broker = observed.kafka.brokers.find(({ id, isFenced }) => id === index && !isFenced)
  const running = broker?.rack ?? noRack
  return broker === undefined || running === rack ? undefined : `its rack changes from ${running} to ${rack}`
}

function templateChange(situation: Situation, pod: PodFacts, settingsName: string): string {
  const live = liveObject(situation, 'StatefulSet', names.brokers(situation.context))
  const image = imageChange(live, pod)
  const changes = image === undefined ? [] : [image]
  if (pod.settings !== undefined && pod.settings !== settingsName) {
    changes.push(settingsChange(situation, pod.settings, settingsName))
  }
  return changes.length === 0 ? otherTemplate : changes.join('; ')
}

function settingsChange(situation: Situation, from: string, to: string): string {
  const [before, after] = [from, to].map(name => {
    const text = liveObject(situation, 'ConfigMap', name)?.data?.['server.properties'] ?? ''
    return new Map(parseProperties(text).map(({ name: key, value }) => [key, value]))
  })
  if (before === undefined || after === undefined || before.size === 0) return 'settings change'
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(
    key => before.get(key) !== after.get(key),
  )
  return `settings change: ${keys.sort().slice(0, 5).join(', ')}${keys.length > 5 ? ', …' : ''}`
}

function toldSettings(situation: Situation): readonly string[] {
  const live = liveObject(situation, 'ConfigMap', names.brokers(situation.context))
  return (live?.metadata.annotations?.[dynamicAnnotation] ?? '').split(',').filter(name => name !== '')
}

/** Of brokers whose pods are away or not told yet: what it was. */
function racksOf(situation: Situation, brokers: readonly number[]): ReadonlyMap<number, string> {
  const racks = new Map<number, string>()
  for (const id of brokers) {
    const told = situation.brokerPods.find(({ index }) => index === id)?.rack
    const rack = told ?? propertyOf(lastFileOf(situation, id), 'broker.rack')
    if (rack !== undefined && rack !== noRack) racks.set(id, rack)
  }
  return racks
}

function addressInput(situation: Situation, brokers: readonly number[]): AddressInput {
  const { context, observed } = situation
  const services = observed.children.filter(({ kind }) => kind === 'Service')
  return {
    context,
    brokers,
    services: new Map(services.map(service => [service.metadata.name, service])),
    nodes: observed.nodes,
    before: new Map(
      brokers.map(id => [id, propertyOf(lastFileOf(situation, id), 'advertised.listeners') ?? '']),
    ),
  }
}

/** Of other listeners, if there is none yet for these: what they have in common stays as it is. */
function lastFileOf(situation: Situation, id: number): string | undefined {
  const files = liveObject(situation, 'ConfigMap', names.brokers(situation.context))?.data ?? {}
  const older = Object.entries(files).find(([name]) => name.startsWith(`broker-${id}-`))?.[1]
  return files[brokerFile(situation.context, id)] ?? older
}

function propertyOf(file: string | undefined, name: string): string | undefined {
  return parseProperties(file ?? '').find(property => property.name === name)?.value
}
