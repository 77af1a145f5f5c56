/** Settings of topics and brokers through the admin protocol. */
import { describeConfigs, incrementalAlterConfigs } from '../../protocol/index.ts'
import type { Requester } from '../connection/connection.ts'
import { type AdminResult, resultOf } from './topics.ts'

const topicResource = 2
const brokerResource = 4
const sourceTopic = 1
const set = 0
const remove = 1

export interface ConfigChange {
  readonly name: string
  /** Null: back to the default. */
  readonly value: string | null
}

/** The overrides of each topic; a topic that does not exist is left out. */
export async function describeTopicOverrides(
  connection: Requester,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (topics.length === 0) return new Map()
  const { results } = await connection.send(describeConfigs, {
    resources: topics.map(name => ({
      resourceType: topicResource,
      resourceName: name,
      configurationKeys: null,
    })),
    includeSynonyms: false,
    includeDocumentation: false,
  })
  return new Map(
    results
      .filter(({ errorCode }) => errorCode === 0)
      .map(({ resourceName, configs }) => [
        resourceName,
        new Map(
          configs
            .filter(({ configSource }) => configSource === sourceTopic)
            .map(({ name, value }) => [name, value ?? '']),
        ),
      ]),
  )
}

/** Changes single settings of topics. One result per topic, in order. */
export async function alterTopicConfigs(
  connection: Requester,
  topics: readonly { readonly name: string; readonly changes: readonly ConfigChange[] }[],
  options: { readonly validateOnly?: boolean } = {},
): Promise<readonly AdminResult[]> {
  const { responses } = await connection.send(incrementalAlterConfigs, {
    resources: topics.map(({ name, changes }) => ({
      resourceType: topicResource,
      resourceName: name,
      configs: changes.map(change => ({
        name: change.name,
        configOperation: change.value === null ? remove : set,
        value: change.value,
      })),
    })),
    validateOnly: options.validateOnly ?? false,
  })
  return responses.map(({ resourceName, errorCode, errorMessage }) =>
    resultOf(resourceName, errorCode, errorMessage),
  )
}

export interface BrokerConfig {
  readonly value: string
  /** Set while brokers ran, for this one or for all; or given when it started; or nobody set it. */
  readonly source: 'thisBroker' | 'allBrokers' | 'start' | 'default'
}

const sources: Readonly<Record<number, BrokerConfig['source']>> = {
  2: 'thisBroker',
  3: 'allBrokers',
  4: 'start',
}

/**
 * Settings of one broker, asked of that very broker, or (`broker` null) those set for all of them while they run, which
 * any tells. `names`: only these. Secrets have no value. Throws a sentence when the broker refuses.
 */
export async function describeBrokerConfigs(
  connection: Requester,
  broker: number | null,
  names?: readonly string[],
): Promise<ReadonlyMap<string, BrokerConfig>> {
  const resourceName = broker === null ? '' : String(broker)
  const { results } = await connection.send(describeConfigs, {
    resources: [
      {
        resourceType: brokerResource,
        resourceName,
        configurationKeys: names === undefined ? null : [...names],
      },
    ],
    includeSynonyms: false,
    includeDocumentation: false,
  })
  const [result] = results
  if (result === undefined || result.errorCode !== 0) {
    throw new Error(
      `The settings of broker '${resourceName}' were not described: ${result?.errorMessage ?? 'no answer'}`,
    )
  }
  return new Map(
    result.configs.map(({ name, value, configSource }) => [
      name,
      { value: value ?? '', source: sources[configSource] ?? 'default' },
    ]),
  )
}

/** Changes single settings of one broker, or (`broker` null) of all, without a restart. */
export async function alterBrokerConfigs(
  connection: Requester,
  broker: number | null,
  changes: readonly ConfigChange[],
): Promise<AdminResult> {
  const resourceName = broker === null ? '' : String(broker)
  const { responses } = await connection.send(incrementalAlterConfigs, {
    resources: [
      {
        resourceType: brokerResource,
        resourceName,
        configs: changes.map(({ name, value }) => ({
          name,
          configOperation: value === null ? remove : set,
          value,
        })),
      },
    ],
    validateOnly: false,
  })
  const { errorCode = 0, errorMessage = null } = responses[0] ?? {}
  return resultOf(resourceName, errorCode, errorMessage)
}
