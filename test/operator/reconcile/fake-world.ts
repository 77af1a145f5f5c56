/**
 * A Kubernetes and a Kafka of a few maps, for one Cluster: carries out what a reconciliation asks for, and lets pods start
 * and replicas catch up step by step, so that whole lives of a Cluster can be played.
 */
import { createHash } from 'node:crypto'
import type { ClusterAction } from '../../../operator/reconcile/actions.ts'
import type { ObservedCluster } from '../../../operator/reconcile/observed-cluster.ts'
import { podFacts } from '../../../operator/reconcile/pods.ts'
import { type Reconciliation, reconcileCluster } from '../../../operator/reconcile/reconcile-cluster.ts'
import type { Cluster } from '../../../operator/resources/cluster.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { type ClusterContext, clusterLabel } from '../../../operator/resources/names.ts'
import { readResource } from '../../../operator/resources/read-resource.ts'
import { FakeEtcd } from './fake-etcd.ts'
import { FakeKafka } from './fake-kafka.ts'
import { fakeNodes } from './fake-nodes.ts'
import { wordsOf } from './words-of-actions.ts'

export const images = { broker: 'example/barnabas:1.0', etcd: 'example/etcd:3.6' }

interface StatefulSetSpec {
  readonly replicas: number
  readonly template: {
    readonly spec: { readonly containers: readonly { readonly image: string }[]; readonly volumes?: unknown }
  }
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
}

/** A write that did not come to its end: the operator is started anew after it. */
export class Killed extends Error {}

export class FakeWorld {
  nowMs = Date.parse('2026-01-01T00:00:00Z')
  readonly objects = new Map<string, KubeObject>()
  readonly kafka = new FakeKafka()
  readonly brokenImages = new Set<string>()
  readonly etcd = new FakeEtcd()
  /** Names of pods that fit on no node. */
  readonly unschedulable = new Set<string>()
  operatorNamespace = 'operators'
  heldGrant: number | undefined
  refusal: ObservedCluster['refusal']
  notTaken: ObservedCluster['notTaken']
  /** Name of a StatefulSet → why. */
  readonly refusedPods = new Map<string, string>()
  /** What was done, in words. */
  readonly history: string[] = []
  /** Throws Killed when so many writes are done. */
  killAfter = Number.POSITIVE_INFINITY
  spec: object
  annotations: Record<string, string> = {}
  #status: unknown
  #generation = 1
  #uid = 0
  #writes = 0

  constructor(spec: object) {
    this.spec = spec
  }

  get topics(): FakeKafka['topics'] {
    return this.kafka.topics
  }

  get dynamicSettings(): FakeKafka['dynamicSettings'] {
    return this.kafka.dynamicSettings
  }

  get cordoned(): FakeKafka['cordoned'] {
    return this.kafka.cordoned
  }

  get oldRacks(): FakeKafka['oldRacks'] {
    return this.kafka.oldRacks
  }

  get writes(): number {
    return this.#writes
  }

  get status() {
    return this.#status as Reconciliation['status']
  }

  change(spec: object): void {
    this.spec = spec
    this.#generation += 1
  }

  get context(): ClusterContext {
    return {
      cluster: this.cluster,
      name: 'demo',
      namespace: 'team',
      uid: 'the-uid',
      images,
      clusterDomain: 'cluster.local',
      operatorNamespace: this.operatorNamespace,
    }
  }

  get cluster(): Cluster {
    const { resource, mistakes } = readResource({
      apiVersion: 'barnabas.dev/v1',
      kind: 'Cluster',
      metadata: { name: 'demo' },
      spec: this.spec,
    })
    if (resource?.kind !== 'Cluster') throw new Error(JSON.stringify(mistakes))
    return resource.cluster
  }

  pods(component: 'brokers' | 'etcd'): KubeObject[] {
    return [...this.objects.values()]
      .filter(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith(`demo-${component}-`))
      .sort((a, b) => podFacts(a).index - podFacts(b).index)
  }

  observe(): ObservedCluster {
    const brokers = this.pods('brokers').map(podFacts)
    return {
      object: {
        apiVersion: 'barnabas.dev/v1',
        kind: 'Cluster',
        metadata: {
          name: 'demo',
          namespace: 'team',
          uid: 'the-uid',
          generation: this.#generation,
          creationTimestamp: '2026-01-01T00:00:00Z',
          annotations: this.annotations,
        },
        spec: this.spec,
        status: this.#status,
      },
      children: [...this.objects.values()],
      nodes: fakeNodes,
      kafka: this.kafka.observe(brokers),
      statuses: this.kafka.statuses(brokers),
      etcd: this.etcd.hasQuorum
        ? { kind: 'reached', members: this.etcd.members }
        : { kind: 'unreachable', reason: 'etcd has no leader' },
      heldGrant: this.heldGrant,
      refusal: this.refusal,
      notTaken: this.notTaken,
      refusedPods: this.refusedPods,
      nowMs: this.nowMs,
    }
  }

  /** One turn of the operator. */
  reconcile(): Reconciliation {
    const result = reconcileCluster(this.context, this.observe())
    if (JSON.stringify(this.#status) !== JSON.stringify(result.status))
      this.#write('status', () => {
        this.#status = result.status
      })
    for (const action of result.actions) this.#write(wordsOf(action), () => this.#act(action))
    return result
  }

  /** The operator forgets what it knew besides. */
  restartOperator(): void {
    this.heldGrant = undefined
    this.refusal = undefined
    this.notTaken = undefined
  }

  /** Turn by turn, with time in between, until nothing is written any more. */
  settle(mostTurns = 300, between: () => void = () => {}): void {
    for (let turn = 0; turn < mostTurns; turn++) {
      const before = this.#writes
      this.reconcile()
      between()
      const moved = this.step()
      this.nowMs += 1000
      if (this.#writes === before && !moved) return
    }
    throw new Error(
      `It did not come to rest:\n${this.history.slice(-20).join('\n')}\n${JSON.stringify(this.status, null, 1)}`,
    )
  }

  /** Kubernetes and Kafka do their part of a second's work. Whether anything changed. */
  step(): boolean {
    const before = JSON.stringify([[...this.objects], [...this.topics], this.etcd.members])
    for (const object of Array.from(this.objects.values()))
      if (object.kind === 'StatefulSet') this.#runStatefulSet(object)
    this.kafka.run(id => this.isReady(id))
    return JSON.stringify([[...this.objects], [...this.topics], this.etcd.members]) !== before
  }

  deletePod(name: string): void {
    this.objects.delete(`Pod/${name}`)
    this.etcd.stop(name)
  }

  /** A pod of etcd goes, and its volume with it. */
  loseVolume(name: string): void {
    this.objects.delete(`PersistentVolumeClaim/data-${name}`)
    this.deletePod(name)
  }

  /** Everything that was asked for, without what differs from one life to another. */
  shape(): unknown {
    const plain = [...this.objects.values()]
      .filter(({ kind }) => kind !== 'PersistentVolumeClaim')
      .map(({ kind, metadata, spec, data }) => [
        `${kind}/${metadata.name}`,
        spec,
        data,
        metadata.labels?.['controller-revision-hash'],
        metadata.annotations?.['barnabas.dev/rendered'],
      ])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
    return {
      plain,
      dynamic: [...this.dynamicSettings].map(([name, value]) => `${name}=${value}`).sort(),
      cordoned: [...this.cordoned].filter(id => this.isReady(id)),
    }
  }

  isReady(id: number): boolean {
    return this.pods('brokers')
      .map(podFacts)
      .some(pod => pod.index === id && pod.isReady)
  }

  #write(what: string, job: () => void): void {
    if (this.#writes >= this.killAfter) throw new Killed(what)
    this.#writes += 1
    this.history.push(what)
    job()
  }

  #runStatefulSet(statefulSet: KubeObject): void {
    const { name } = statefulSet.metadata
    const { replicas, template, volumeClaimTemplates = [] } = statefulSet.spec as StatefulSetSpec
    const updateRevision = `${name}-${createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 8)}`
    const pods = [...this.objects.values()].filter(
      ({ kind, metadata }) => kind === 'Pod' && new RegExp(`^${name}-\\d+$`).test(metadata.name),
    )
    for (const pod of pods) if (podFacts(pod).index >= replicas) this.deletePod(pod.metadata.name)
    for (let index = 0; index < replicas; index++) {
      const podName = `${name}-${index}`
      for (const claim of volumeClaimTemplates) {
        const key = `PersistentVolumeClaim/${claim.metadata.name}-${podName}`
        if (!this.objects.has(key)) this.objects.set(key, this.#claim(`${claim.metadata.name}-${podName}`))
      }
      const pod = this.objects.get(`Pod/${podName}`)
      if (pod === undefined) this.#startPod(podName, updateRevision, template)
      else this.#runPod(pod)
    }
    const { generation } = statefulSet.metadata
    this.objects.set(`StatefulSet/${name}`, {
      ...statefulSet,
      status: { updateRevision, observedGeneration: generation },
    })
  }

  #claim(name: string): KubeObject {
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace: 'team', uid: `uid-${++this.#uid}`, labels: { [clusterLabel]: 'demo' } },
    }
  }

  #startPod(name: string, revision: string, template: StatefulSetSpec['template']): void {
    this.objects.set(`Pod/${name}`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'team',
        uid: `uid-${++this.#uid}`,
        creationTimestamp: new Date(this.nowMs).toISOString(),
        labels: { [clusterLabel]: 'demo', 'controller-revision-hash': revision },
      },
      spec: { ...template.spec, nodeName: `node-${'abc'.charAt(Number(name.slice(-1)) % 3)}` },
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    })
  }

  #runPod(pod: KubeObject): void {
    if (this.unschedulable.has(pod.metadata.name)) {
      const told = { status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }
      const conditions = [{ type: 'PodScheduled', ...told }]
      this.objects.set(`Pod/${pod.metadata.name}`, { ...pod, status: { conditions } })
      return
    }
    const { containers = [] } = (pod.spec ?? {}) as { containers?: readonly { readonly image: string }[] }
    const isBroken = this.brokenImages.has(containers[0]?.image ?? '')
    const isBroker = pod.metadata.name.startsWith('demo-brokers-')
    // A broker waits for its rack.
    const { rack, index } = podFacts(pod)
    const waits = isBroker
      ? rack === undefined || this.kafka.recovering.has(index)
      : this.etcd.slow.has(pod.metadata.name)
    const { state = '', members = '' } = this.objects.get('ConfigMap/demo-etcd')?.data ?? {}
    const volume = this.objects.get(`PersistentVolumeClaim/data-${pod.metadata.name}`)?.metadata.uid ?? ''
    const isAlone = !isBroker && !this.etcd.start(pod.metadata.name, volume, { state, members })
    const status = isAlone
      ? { containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] }
      : isBroken
        ? { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] }
        : { conditions: [{ type: 'Ready', status: waits ? 'False' : 'True' }] }
    this.objects.set(`Pod/${pod.metadata.name}`, { ...pod, status })
  }

  #act(action: ClusterAction): void {
    switch (action.kind) {
      case 'apply': {
        const { kind, metadata } = action.object
        const key = `${kind}/${metadata.name}`
        const before = this.objects.get(key)
        const isSame = JSON.stringify(before?.spec) === JSON.stringify(action.object.spec)
        const generation = (before?.metadata.generation ?? 0) + (isSame ? 0 : 1)
        const uid = before?.metadata.uid ?? `uid-${++this.#uid}`
        const creationTimestamp = before?.metadata.creationTimestamp ?? new Date(this.nowMs).toISOString()
        this.objects.set(key, {
          ...action.object,
          metadata: { ...metadata, uid, generation, creationTimestamp },
          status: before?.status,
        })
        return
      }
      case 'delete':
        if (action.ref.kind === 'Pod') this.deletePod(action.ref.name)
        else this.objects.delete(`${action.ref.kind}/${action.ref.name}`)
        return
      case 'annotatePod': {
        const pod = this.objects.get(`Pod/${action.pod}`)
        if (pod === undefined) return
        const annotations = { ...pod.metadata.annotations, ...action.annotations }
        this.objects.set(`Pod/${action.pod}`, { ...pod, metadata: { ...pod.metadata, annotations } })
        return
      }
      case 'restartBroker':
        if (action.needsGrant && this.kafka.isLastInSync(action.broker)) {
          this.refusal = { broker: action.broker, reasons: ['It is the last one in sync.'] }
          return
        }
        this.refusal = undefined
        if (action.needsGrant) this.heldGrant = action.broker
        this.oldRacks.delete(action.broker)
        this.objects.delete(`Pod/${action.pod}`)
        return
      case 'releaseRestart':
        this.heldGrant = undefined
        return
      case 'alterBrokerSettings':
      case 'movePartitions':
      case 'throttleTopics':
        this.kafka.act(action)
        return
      case 'changeEtcdMembers':
        this.etcd.change(action.change)
        return
      case 'tell':
    }
  }
}
