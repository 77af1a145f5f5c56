/** What DescribeConfigs tells of a setting. */

/** Kafka's codes of where a value comes from. */
export const configSource = {
  unknown: 0,
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  dynamicBrokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const

export interface DescribedConfig {
  readonly name: string
  /** Null: not set, or a secret. */
  readonly value: string | null
  readonly readOnly: boolean
  /** One of configSource. */
  readonly source: number
  readonly isSensitive: boolean
  /** Every level that gives a value, the one in force first. */
  readonly synonyms: readonly ConfigSynonym[]
  /** Kafka's code of the type. */
  readonly type: number
  readonly documentation: string
}

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}
