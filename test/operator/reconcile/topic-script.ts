/**
 * Plays a script over Topics of one Cluster and a Kafka of a map. Input: what people do to either, and `settle`, in which the
 * operator works until it rests. Output: what it does, and what it says of each Topic whenever that changes.
 */
import { parse } from 'yaml'
import {
  type ActualTopic,
  type ObservedTopic,
  ownerSetting,
  parseOwner,
} from '../../../operator/reconcile/observed-topic.ts'
import {
  reconcileTopic,
  type TopicAction,
  topicFinalizer,
} from '../../../operator/reconcile/reconcile-topic.ts'
import type { KubeObject } from '../../../operator/resources/kube-object.ts'
import { readResource } from '../../../operator/resources/read-resource.ts'
import type { TopicStatus } from '../../../operator/resources/topic-status.ts'
import type { Player } from '../../support/script.ts'

const defaultPartitions = 1
const defaultReplicas = [0, 1, 2]
const mostTurns = 20

export function topicPlayer(): Player {
  const world = new TopicWorld()
  return line => {
    const [word = '', name = '', ...rest] = line.split(' ')
    const text = rest.join(' ')
    switch (word) {
      case 'topic':
        world.applyTopic(name, parse(text) as object)
        return []
      case 'delete':
        world.delete(name)
        return []
      case 'kafka':
        world.setByHand(name, parse(text) as Readonly<Record<string, unknown>>)
        return []
      case 'brokers':
        world.areBrokersAway = name === 'away'
        return []
      case 'cluster':
        world.cluster = name as ObservedTopic['cluster']['kind']
        return []
      case 'settle':
        return world.settle()
      default:
        throw new Error(`A script cannot do '${word}'.`)
    }
  }
}

class TopicWorld {
  areBrokersAway = false
  cluster: ObservedTopic['cluster']['kind'] = 'present'
  readonly #objects = new Map<string, KubeObject>()
  readonly #kafka = new Map<string, ActualTopic>()
  #made = 0

  applyTopic(name: string, spec: object): void {
    const before = this.#objects.get(name)?.metadata
    const metadata = before ?? { name, namespace: 'team', uid: `uid-${++this.#made}`, generation: 0 }
    this.#objects.set(name, {
      ...this.#objects.get(name),
      apiVersion: 'barnabas.dev/v1',
      kind: 'Topic',
      metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
      spec: { clusterRef: { name: 'demo' }, ...spec },
    })
  }

  delete(name: string): void {
    const object = this.#objects.get(name)
    if (object === undefined) throw new Error(`There is no Topic ${name}.`)
    const deleted = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    this.#objects.set(name, deleted)
    this.#removeReleased(name)
  }

  /** `partitions`, and settings by Kafka's names. */
  setByHand(
    name: string,
    { partitions = defaultPartitions, ...settings }: Readonly<Record<string, unknown>>,
  ): void {
    const before = this.#kafka.get(name)?.settings ?? new Map<string, string>()
    const given = Object.entries(settings).map(([key, value]) => [key, String(value)] as const)
    this.#create(name, Number(partitions), new Map([...before, ...given]))
  }

  settle(): readonly string[] {
    const lines: string[] = []
    for (let turn = 0; turn < mostTurns; turn++) {
      const from = lines.length
      for (const name of this.#objects.keys()) lines.push(...this.#turn(name))
      if (lines.length === from) return lines
    }
    throw new Error(`It did not come to rest:\n${lines.join('\n')}`)
  }

  #turn(name: string): readonly string[] {
    const object = this.#objects.get(name)
    if (object === undefined) return []
    const { actions, status } = reconcileTopic(this.#observe(object))
    if (actions.length === 0) {
      const isNews = JSON.stringify(status) !== JSON.stringify(object.status ?? {})
      this.#objects.set(name, { ...object, status })
      return isNews ? tellingsOf(name, status) : []
    }
    return actions.map(action => this.#act(name, action))
  }

  #observe(object: KubeObject): ObservedTopic {
    const { resource, mistakes } = readResource({ ...object, status: undefined })
    if (resource?.kind !== 'Topic') throw new Error(JSON.stringify(mistakes))
    const topic = { ...resource.topic, status: object.status as TopicStatus | undefined }
    const actual = this.#kafka.get(topic.spec.topicName ?? object.metadata.name)
    const owner = parseOwner(actual?.settings.get(ownerSetting) ?? '')
    const hasLivingOwner = [...this.#objects.values()].some(({ metadata }) => metadata.uid === owner?.uid)
    return {
      object,
      topic,
      cluster:
        this.cluster === 'present'
          ? { kind: 'present', refusal: undefined, isPaused: false }
          : { kind: this.cluster },
      kafka: this.areBrokersAway
        ? { kind: 'unreachable', reason: 'none of them answers.' }
        : {
            kind: 'reached',
            actual: actual === undefined ? undefined : { ...actual, hasLivingOwner },
            placement: undefined,
          },
      refusal: undefined,
      nowMs: 0,
    }
  }

  /** What was done, in words. */
  #act(key: string, action: TopicAction): string {
    switch (action.kind) {
      case 'setFinalizer': {
        const object = this.#objects.get(key) as KubeObject
        const finalizers = action.isWanted ? [topicFinalizer] : []
        this.#objects.set(key, { ...object, metadata: { ...object.metadata, finalizers } })
        this.#removeReleased(key)
        return `${key}: ${action.isWanted ? 'hold' : 'release'}`
      }
      case 'createTopic': {
        const { name, partitions = defaultPartitions, settings } = action
        this.#create(name, partitions, settings)
        return `${key}: create ${name} with ${partitions} partitions, ${textOf(settings)}`
      }
      case 'addPartitions': {
        const { name, partitions } = action
        this.#create(name, partitions, this.#kafka.get(name)?.settings ?? new Map())
        return `${key}: partitions of ${name} become ${partitions}`
      }
      case 'alterSettings': {
        const { name, changes } = action
        const actual = this.#kafka.get(name)
        const settings = new Map(actual?.settings)
        for (const { name: setting, to } of changes) {
          if (to === null) settings.delete(setting)
          else settings.set(setting, to)
        }
        this.#create(name, actual?.partitions.length ?? 0, settings)
        return `${key}: settings of ${name} change: ${textOf(new Map(changes.map(each => [each.name, each.to ?? 'default'])))}`
      }
      case 'deleteTopic':
        this.#kafka.delete(action.name)
        return `${key}: delete ${action.name}`
      case 'moveReplicas':
        throw new Error('Moves are played by scripts of the Cluster.')
    }
  }

  #create(name: string, partitions: number, settings: ReadonlyMap<string, string>): void {
    this.#kafka.set(name, {
      name,
      id: `id-of-${name}`,
      isInternal: false,
      partitions: Array.from({ length: partitions }, (_, index) => ({
        index,
        leader: 0,
        replicas: defaultReplicas,
        inSync: defaultReplicas,
      })),
      settings,
      isMoving: false,
      hasLivingOwner: false,
    })
  }

  /** As the API server does. */
  #removeReleased(key: string): void {
    const { deletionTimestamp, finalizers = [] } = this.#objects.get(key)?.metadata ?? {}
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.#objects.delete(key)
  }
}

function textOf(settings: ReadonlyMap<string, string>): string {
  return [...settings].map(([name, value]) => `${name}=${value}`).join(' ')
}

/** Ready, and whatever else is so. */
function tellingsOf(key: string, { conditions = [], drift = [] }: TopicStatus): readonly string[] {
  return [
    ...conditions
      .filter(({ type, status }) => type === 'Ready' || (status === 'True' && type !== 'Synced'))
      .map(({ type, status, reason, message }) =>
        type === 'Ready' ? `  ${key} Ready=${status} ${reason}: ${message}` : `  ${key} ${type}`,
      ),
    ...drift.map(
      each => `  ${key} drift: ${each.key} is ${each.actual ?? 'default'}, not ${each.desired ?? 'default'}`,
    ),
  ]
}
