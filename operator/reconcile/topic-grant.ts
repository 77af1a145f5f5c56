/** Which namespaces may have topics in a Cluster, and how much. Pure. */
import type { Cluster } from '../resources/cluster.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import type { TopicStatus } from '../resources/topic-status.ts'
import type { NamespaceQuota } from './observed-topic.ts'

export interface TopicPlace {
  readonly clusterNamespace: string
  readonly topicNamespace: string
  /** Labels of the Topic's namespace; undefined where they were not needed, or there is no such namespace. */
  readonly namespaceLabels: Readonly<Record<string, string>> | undefined
  readonly topicName: string
}

/** Undefined: it may. Otherwise a sentence. */
export function refusalOfNamespace({ spec }: Cluster, place: TopicPlace): string | undefined {
  const { topicNamespace, topicName } = place
  const { namespaces, requirePrefix } = spec.topicPolicy
  const isOwn = topicNamespace === place.clusterNamespace
  switch (namespaces.from) {
    case 'All':
      break
    case 'Same':
      if (isOwn) break
      return `Namespace ${topicNamespace} may not have topics in this Cluster: its topicPolicy.namespaces.from is Same.`
    case 'Selector': {
      const wanted = Object.entries(namespaces.selector?.matchLabels ?? {})
      if (isOwn || wanted.every(([name, value]) => place.namespaceLabels?.[name] === value)) break
      return `Namespace ${topicNamespace} may not have topics in this Cluster: it lacks the labels of topicPolicy.namespaces.selector.`
    }
  }
  if (requirePrefix === 'Namespace' && !topicName.startsWith(`${topicNamespace}.`)) {
    return `The name of the topic must begin with "${topicNamespace}.", because topicPolicy.requirePrefix is Namespace; give topicName.`
  }
  return undefined
}

/** `topics`: all that name the Cluster, of whatever namespace. Undefined: there is no limit. */
export function quotaOf(
  { spec }: Cluster,
  topic: KubeObject,
  topics: readonly KubeObject[],
): NamespaceQuota | undefined {
  const mostPartitions = spec.topicPolicy.maxPartitionsPerNamespace
  if (mostPartitions === undefined) return undefined
  const defaultPartitions = spec.topicDefaults.partitions
  const others = topics
    .filter(({ metadata }) => metadata.namespace === topic.metadata.namespace)
    .filter(({ metadata }) => metadata.name !== topic.metadata.name)
    .map(other => {
      const { partitions: has = 0, conditions = [] } = (other.status ?? {}) as TopicStatus
      const isRefused = conditions.some(({ reason }) => reason === 'QuotaExceeded')
      if (isRefused || !comesBefore(other, topic)) return has
      const { partitions = defaultPartitions } = (other.spec ?? {}) as { readonly partitions?: number }
      return Math.max(has, partitions)
    })
    .reduce((sum, partitions) => sum + partitions, 0)
  return { mostPartitions, others, defaultPartitions }
}

/** Of two that are new, the older one has what it asks for: two at once would else both fit, and then not. */
function comesBefore(a: KubeObject, b: KubeObject): boolean {
  const [first, second] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`)
  return (first ?? '') < (second ?? '')
}
