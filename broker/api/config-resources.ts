import type { ConfigResourceType } from '../metadata/image.ts'

/** Kafka's codes of the kinds of resources that carry configuration. */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** How the metadata names a kind of resource; undefined for those it does not keep. */
export function storedResourceType(code: number): ConfigResourceType | undefined {
  switch (code) {
    case resourceTypes.topic:
      return 'topic'
    case resourceTypes.broker:
      return 'broker'
    case resourceTypes.clientMetrics:
      return 'client-metrics'
    case resourceTypes.group:
      return 'group'
    default:
      return undefined
  }
}

export function resourceTypeCode(type: ConfigResourceType): number {
  return type === 'client-metrics' ? resourceTypes.clientMetrics : resourceTypes[type]
}
