/** Looks after Clusters: gathers what is seen, lets the pure part decide, carries it out, and tells. */
import type { Clock } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import { unreachable } from '../../runtime/assert.ts'
import type { ControlAddress, ControlGrants } from '../brokers/control-grants.ts'
import { changeMembers, observeEtcd } from '../brokers/etcd-members.ts'
import { managedEtcd, memberEndpoints } from '../desired/broker-settings.ts'
import { type ApiError, classOf } from '../kube/api-error.ts'
import type { Events } from '../kube/events.ts'
import type { ClusterAction } from '../reconcile/actions.ts'
import { invalidStatus } from '../reconcile/cluster-status.ts'
import type { ObservedCluster, ObservedNode } from '../reconcile/observed-cluster.ts'
import { type Deletion, letGo } from '../reconcile/let-go.ts'
import { podFacts } from '../reconcile/pods.ts'
import { reconcileCluster } from '../reconcile/reconcile-cluster.ts'
import { rememberedTopics } from '../reconcile/throttle.ts'
import { outdatedWaysIn } from '../reconcile/ways-in.ts'
import type { Cluster } from '../resources/cluster.ts'
import { type KubeObject, keyOf } from '../resources/kube-object.ts'
import { type ClusterContext, hosts, names, ports } from '../resources/names.ts'
import { formatPath } from '../resources/read-resource.ts'
import type { Outcome } from './controller.ts'
import type { GoingClusters } from './going-clusters.ts'
import type { KafkaClusters } from './kafka-clusters.ts'
import type { KubeCache } from './kube-cache.ts'
import type { Nodes } from './nodes.ts'
import type { OperatorMetrics } from './operator-metrics.ts'
import { readCluster } from './read-cluster.ts'
import type { RefusedPods } from './refused-pods.ts'
import { writeStatus } from './status-writer.ts'

export interface ClusterControllerParts {
  readonly cache: KubeCache
  readonly going: GoingClusters
  readonly nodes: Nodes
  readonly refusedPods: RefusedPods
  readonly kafka: KafkaClusters
  readonly grants: ControlGrants
  readonly events: Events
  readonly metrics: OperatorMetrics
  readonly clock: Clock
  readonly logger: Logger
  readonly images: ClusterContext['images']
  readonly clusterDomain: string
  readonly operatorNamespace: string
}

/** What is known from one reconciliation to the next, and can be done without. */
interface Remembered {
  heldGrant: number | undefined
  /** Whether the brokers were asked what an operator before this one holds. */
  knowsGrant: boolean
  refusal: ObservedCluster['refusal']
  /** Of the spec of that generation; a mended one gets another try before anything is said of it. */
  notTaken: { readonly generation: number | undefined; readonly sentence: string } | undefined
}

/** Of events. */
const etcdReasons = {
  add: 'EtcdMemberAdded',
  promote: 'EtcdMemberPromoted',
  remove: 'EtcdMemberRemoved',
  replace: 'EtcdMemberReplaced',
} as const

/** After something was done, and after something was refused. */
const busyMs = 1000
const refusedMs = 3000

export class ClusterController {
  readonly #parts: ClusterControllerParts
  readonly #remembered = new Map<string, Remembered>()

  constructor(parts: ClusterControllerParts) {
    this.#parts = parts
  }

  async reconcile(key: string): Promise<Outcome> {
    const { cache, clock, going } = this.#parts
    const object = cache.cluster(key)
    // What belongs to it has it as its owner and goes with it: there is nothing to be cleaned up.
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) {
      going.forget(key)
      await this.#forget(key)
      return {}
    }
    const children = cache.childrenOf(key)
    if (await going.goesWithNamespace(object, children)) {
      for (const deletion of letGo(object, children)) await this.#delete(key, deletion)
      await this.#forget(key)
      return {}
    }
    const read = readCluster(object)
    if (read.cluster === undefined) {
      const sentences = read.mistakes.map(({ path, sentence }) => `${formatPath(path)} ${sentence}.`)
      await writeStatus(cache, object, invalidStatus({ object, nowMs: clock.nowMs() }, sentences))
      return {}
    }
    const context = this.#contextOf(object, read.cluster)
    const remembered = this.#remembered.get(key) ?? {
      heldGrant: undefined,
      knowsGrant: false,
      refusal: undefined,
      notTaken: undefined,
    }
    if (!this.#remembered.has(key)) this.#parts.metrics.beginCluster(key)
    this.#remembered.set(key, remembered)
    await this.#openWaysIn(context, children)
    const observed = await this.#observe(key, object, context, remembered)
    const { actions, status, againAfterMs } = reconcileCluster(context, observed)
    // Before acting: what is planned is to be seen even when it cannot be done.
    await writeStatus(cache, object, status)
    for (const action of actions) {
      try {
        await this.#act(action, object, context, remembered)
      } catch (error) {
        if (action.kind === 'apply' && classOf(error) === 'refused')
          await this.#tellNotTaken(action.object, error as ApiError, { context, observed, remembered })
        throw error
      }
    }
    remembered.notTaken = undefined
    if (remembered.refusal !== undefined) return { againAfterMs: Math.min(againAfterMs, refusedMs) }
    return { againAfterMs: actions.length > 0 ? Math.min(againAfterMs, busyMs) : againAfterMs }
  }

  async #forget(key: string): Promise<void> {
    this.#remembered.delete(key)
    this.#parts.refusedPods.forget(key)
    this.#parts.metrics.forgetCluster(key)
    await this.#parts.kafka.forget(key)
  }

  /** Trying again does not help before people change something, so they must see it. */
  async #tellNotTaken(
    { kind, metadata }: KubeObject,
    { message }: ApiError,
    {
      context,
      observed,
      remembered,
    }: {
      readonly context: ClusterContext
      readonly observed: ObservedCluster
      readonly remembered: Remembered
    },
  ): Promise<void> {
    const { cache, events } = this.#parts
    const { object } = observed
    const notTaken = `Kubernetes does not take ${kind} ${metadata.name}: ${message.replace(/\.?$/, '.')}`
    remembered.notTaken = { generation: object.metadata.generation, sentence: notTaken }
    await writeStatus(cache, object, reconcileCluster(context, { ...observed, notTaken }).status)
    await events.tell(object, { type: 'Warning', reason: 'ObjectRefused', message: notTaken })
  }

  #contextOf({ metadata }: KubeObject, cluster: Cluster): ClusterContext {
    const { images, clusterDomain, operatorNamespace } = this.#parts
    return {
      cluster,
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      uid: metadata.uid ?? '',
      images,
      clusterDomain,
      operatorNamespace,
    }
  }

  async #openWaysIn(context: ClusterContext, children: readonly KubeObject[]): Promise<void> {
    for (const { object } of outdatedWaysIn(context, children)) {
      try {
        await this.#apply(context, object)
      } catch (error) {
        // The reconciliation asks for it too, and tells people.
        if (classOf(error) !== 'refused') throw error
      }
    }
  }

  async #apply({ namespace, name }: ClusterContext, object: KubeObject): Promise<void> {
    const { cache, logger } = this.#parts
    const { kind, metadata } = object
    logger.info({ cluster: keyOf({ namespace, name }), kind, name: metadata.name }, 'An object is applied.')
    cache.note(await cache.api.apply(object))
  }

  async #observe(
    key: string,
    object: KubeObject,
    context: ClusterContext,
    remembered: Remembered,
  ): Promise<ObservedCluster> {
    const { cache, clock, kafka } = this.#parts
    const children = cache.childrenOf(key)
    const brokers = brokersThatMayBe(children, context)
    const isStarted = brokers > 0
    const [nodes, refusedPods, kafkaSeen, statuses, etcd] = await Promise.all([
      this.#nodes(children, context),
      this.#parts.refusedPods.of(key, children),
      isStarted
        ? kafka.of(key, brokers).observe(rememberedTopics(brokersStatefulSet(children, context)))
        : ({ kind: 'unreachable', reason: 'No broker has been started yet.' } as const),
      kafka.statuses(key, runningBrokers(children, context)),
      isStarted && managedEtcd(context) !== undefined
        ? observeEtcd(etcdEndpoints(context, children))
        : ({ kind: 'unseen' } as const),
    ])
    if (kafkaSeen.kind === 'reached' && !remembered.knowsGrant) {
      const held = await this.#parts.grants.held(controlAddresses(context, children))
      remembered.knowsGrant = held !== undefined
      remembered.heldGrant = held ?? undefined
    }
    const { heldGrant, refusal } = remembered
    const isOfThisSpec = remembered.notTaken?.generation === object.metadata.generation
    const notTaken = isOfThisSpec ? remembered.notTaken?.sentence : undefined
    return {
      object,
      children,
      nodes,
      kafka: kafkaSeen,
      statuses,
      etcd,
      heldGrant,
      refusal,
      notTaken,
      refusedPods,
      nowMs: clock.nowMs(),
    }
  }

  /** All of them only where clients come in through nodes. */
  #nodes(
    children: readonly KubeObject[],
    { cluster }: ClusterContext,
  ): Promise<ReadonlyMap<string, ObservedNode>> {
    const { nodes } = this.#parts
    if (cluster.spec.listeners.some(({ type }) => type === 'NodePort')) return nodes.all()
    const pods = children.filter(({ kind }) => kind === 'Pod').map(podFacts)
    return nodes.named(
      pods.flatMap(({ node, rack }) => (node === undefined || rack !== undefined ? [] : [node])),
    )
  }

  async #act(
    action: ClusterAction,
    object: KubeObject,
    context: ClusterContext,
    remembered: Remembered,
  ): Promise<void> {
    const { cache, logger, kafka, events } = this.#parts
    const key = keyOf(object.metadata)
    const { namespace } = context
    switch (action.kind) {
      case 'apply':
        await this.#apply(context, action.object)
        return
      case 'delete':
        await this.#delete(key, action)
        return
      case 'annotatePod': {
        const metadata = { uid: action.uid, annotations: action.annotations }
        cache.note(await cache.api.mergePatch(podRef(namespace, action.pod), { metadata }))
        return
      }
      case 'restartBroker':
        await this.#restart(action, object, context, remembered)
        return
      case 'releaseRestart':
        await this.#parts.grants.release(controlAddresses(context, cache.childrenOf(key)), action.broker)
        remembered.heldGrant = undefined
        return
      case 'alterBrokerSettings': {
        const names = action.changes.map(({ name }) => name)
        logger.info(
          { cluster: key, broker: action.broker, names },
          'Settings of running brokers are changed.',
        )
        mustSucceed(
          await kafka
            .of(key, brokersThatMayBe(cache.childrenOf(key), context))
            .alterBroker(action.broker, action.changes),
        )
        return
      }
      case 'movePartitions':
        logger.info({ cluster: key, partitions: action.moves.length, why: action.why }, 'Replicas are moved.')
        mustSucceed(await kafka.of(key, brokersThatMayBe(cache.childrenOf(key), context)).move(action.moves))
        return
      case 'throttleTopics': {
        const { topics, isThrottled } = action
        logger.info(
          { cluster: key, topics, isThrottled },
          'Moves of topics are held to a speed, or not any more.',
        )
        mustSucceed(
          await kafka.of(key, brokersThatMayBe(cache.childrenOf(key), context)).throttle(topics, isThrottled),
        )
        return
      }
      case 'changeEtcdMembers': {
        const { change, why } = action
        const refusal = await changeMembers(etcdEndpoints(context, cache.childrenOf(key)), change)
        if (refusal !== undefined) {
          logger.info({ cluster: key, ...change, refusal }, 'etcd does not let its members be changed yet.')
          return
        }
        logger.info({ cluster: key, ...change, why }, 'The members of etcd are changed.')
        const type = change.kind === 'replace' ? 'Warning' : 'Normal'
        await events.tell(object, { type, reason: etcdReasons[change.kind], message: why })
        return
      }
      case 'tell':
        await events.tell(object, action.happening)
        return
      default:
        unreachable(action)
    }
  }

  async #delete(key: string, { ref, uid, why }: Deletion): Promise<void> {
    const { cache, logger } = this.#parts
    logger.info({ cluster: key, ...ref, why }, 'An object is deleted.')
    await cache.api.delete(ref, { uid })
  }

  async #restart(
    { broker, pod, uid, reason, needsGrant }: Extract<ClusterAction, { kind: 'restartBroker' }>,
    object: KubeObject,
    context: ClusterContext,
    remembered: Remembered,
  ): Promise<void> {
    const { cache, logger, events, metrics } = this.#parts
    const key = keyOf(object.metadata)
    const durationMs = context.cluster.spec.rollout.brokerTimeoutSeconds * 1000
    if (needsGrant) {
      const addresses = controlAddresses(context, cache.childrenOf(key))
      const answer = await this.#parts.grants.request(addresses, { broker, reason, durationMs })
      if (answer.kind === 'refused') {
        metrics.countRefusal(key, answer.kinds)
        const isNews = remembered.refusal?.reasons.join() !== answer.reasons.join()
        if (isNews) logger.info({ broker, reasons: answer.reasons }, 'A broker may not be restarted now.')
        remembered.refusal = { broker, reasons: answer.reasons }
        return
      }
      remembered.heldGrant = broker
    }
    remembered.refusal = undefined
    logger.info({ cluster: key, broker, pod, reason }, 'A broker is restarted.')
    await cache.api.delete(podRef(context.namespace, pod), { uid })
    metrics.countRestart(key)
    await events.tell(object, {
      type: 'Normal',
      reason: 'BrokerRestarted',
      message: `Broker ${broker} is restarted: ${reason}.`,
    })
  }
}

/** Those that are there, or are to be soon; none before the first start. */
function brokersThatMayBe(children: readonly KubeObject[], context: ClusterContext): number {
  return (
    (brokersStatefulSet(children, context)?.spec as { readonly replicas?: number } | undefined)?.replicas ?? 0
  )
}

/** Those that may answer, though they may not be ready. */
function runningBrokers(children: readonly KubeObject[], { name }: ClusterContext): readonly number[] {
  const isRunning = ({ kind, metadata, status }: KubeObject): boolean =>
    kind === 'Pod' &&
    metadata.name.startsWith(`${names.brokers({ name })}-`) &&
    metadata.deletionTimestamp === undefined &&
    (status as { readonly phase?: string } | undefined)?.phase === 'Running'
  return children
    .filter(isRunning)
    .map(pod => podFacts(pod).index)
    .sort((a, b) => a - b)
}

function brokersStatefulSet(
  children: readonly KubeObject[],
  { name }: ClusterContext,
): KubeObject | undefined {
  return children.find(
    ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === names.brokers({ name }),
  )
}

/** Of those members whose pods there are or are to be. */
function etcdEndpoints(context: ClusterContext, children: readonly KubeObject[]): readonly string[] {
  const isIt = ({ kind, metadata }: KubeObject): boolean =>
    kind === 'StatefulSet' && metadata.name === names.etcd(context)
  const { replicas = 0 } = (children.find(isIt)?.spec ?? {}) as { readonly replicas?: number }
  return memberEndpoints(context, replicas)
}

function controlAddresses(
  context: ClusterContext,
  children: readonly KubeObject[],
): readonly ControlAddress[] {
  return Array.from({ length: brokersThatMayBe(children, context) }, (_, id) => ({
    host: hosts.broker(context, id),
    port: ports.control,
    tls: false,
  }))
}

function podRef(namespace: string, name: string) {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name }
}

type BrokersAnswer = Readonly<Record<'name' | 'error' | 'message', string>>

function mustSucceed({ name, error, message }: BrokersAnswer): void {
  if (error !== 'NONE') throw new Error(`The brokers refused ${name}: ${message} (${error})`)
}
