/** Which namespaces may have topics in a Cluster. Pure. */
import type { Cluster } from '../resources/cluster.ts'

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
