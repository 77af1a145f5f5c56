import {
  type Decoded,
  describeConfigs,
  type Encodable,
  errorCode,
  type ErrorName,
} from '../../protocol/index.ts'
import {
  type BrokerView,
  describeBrokerConfigs,
  describeBrokerLoggers,
  describeClientMetricsConfigs,
  describeClusterDefaults,
  type DescribedConfig,
  describeGroupConfigs,
  describeTopicConfigs,
} from '../config/describe-configs.ts'
import { findMistakeInTopicName } from '../controller/topic-names.ts'
import { configsOf, type MetadataImage } from '../metadata/image.ts'
import { type BrokerLoggers, rootLogger } from './broker-loggers.ts'
import { resourceTypes } from './config-resources.ts'
import { type ApiHandler, handler } from './handler.ts'

type Resource = Decoded<typeof describeConfigs.request>['resources'][number]
type Result = NonNullable<Encodable<typeof describeConfigs.response>['results']>[number]
type ConfigAnswer = NonNullable<Result['configs']>[number]

/** DescribeConfigs: every setting of a resource with its value, where that comes from, and the levels below it. */
export function describeConfigsHandler(parts: {
  readonly brokerId: number
  readonly image: () => MetadataImage
  readonly brokerView: () => BrokerView
  readonly loggers: BrokerLoggers
}): ApiHandler {
  return handler(describeConfigs, {}, (request, context) => {
    const { includeSynonyms, includeDocumentation } = request
    const shape = {
      synonyms: includeSynonyms,
      documentation: includeDocumentation,
      version: context.apiVersion,
    }
    return {
      throttleTimeMs: 0,
      results: request.resources.map(resource => {
        const described = describe(resource, parts)
        if ('error' in described) return refused(resource, described)
        return answer(resource, only(described.configs, resource.configurationKeys), shape)
      }),
    }
  })
}

interface Refusal {
  readonly error: ErrorName
  readonly message: string
}

function describe(
  { resourceType, resourceName }: Resource,
  parts: Parameters<typeof describeConfigsHandler>[0],
): { readonly configs: readonly DescribedConfig[] } | Refusal {
  const image = parts.image()
  switch (resourceType) {
    case resourceTypes.topic: {
      const mistake = findMistakeInTopicName(resourceName)
      if (mistake !== null) return { error: 'INVALID_TOPIC_EXCEPTION', message: mistake }
      if (!image.topicsByName.has(resourceName)) {
        return { error: 'UNKNOWN_TOPIC_OR_PARTITION', message: `There is no topic ${resourceName}.` }
      }
      return { configs: describeTopicConfigs(configsOf(image, 'topic', resourceName), parts.brokerView()) }
    }
    case resourceTypes.broker: {
      if (resourceName === '') return { configs: describeClusterDefaults(parts.brokerView()) }
      if (resourceName === String(parts.brokerId))
        return { configs: describeBrokerConfigs(parts.brokerView()) }
      return {
        error: 'INVALID_REQUEST',
        message: `Unexpected broker id, expected ${parts.brokerId} or empty string, but received ${resourceName}`,
      }
    }
    case resourceTypes.brokerLogger: {
      const mistake = parts.loggers.findMistake(resourceName)
      if (mistake !== null) return { error: 'INVALID_REQUEST', message: mistake }
      return { configs: describeBrokerLoggers(new Map([[rootLogger, parts.loggers.level]])) }
    }
    case resourceTypes.group:
      if (resourceName === '') return { error: 'INVALID_REQUEST', message: 'A group has a name.' }
      return { configs: describeGroupConfigs(configsOf(image, 'group', resourceName), parts.brokerView()) }
    case resourceTypes.clientMetrics:
      if (resourceName === '')
        return { error: 'INVALID_REQUEST', message: 'A client metrics subscription has a name.' }
      return { configs: describeClientMetricsConfigs(configsOf(image, 'client-metrics', resourceName)) }
    default:
      return { error: 'INVALID_REQUEST', message: `The resource type ${resourceType} does not exist.` }
  }
}

/** No list, or an empty one, means all; unknown names are left out. */
function only(
  configs: readonly DescribedConfig[],
  names: readonly string[] | null,
): readonly DescribedConfig[] {
  if (names === null || names.length === 0) return configs
  const wanted = new Set(names)
  return configs.filter(({ name }) => wanted.has(name))
}

function refused({ resourceType, resourceName }: Resource, { error, message }: Refusal): Result {
  return { errorCode: errorCode(error), errorMessage: message, resourceType, resourceName, configs: [] }
}

function answer(
  { resourceType, resourceName }: Resource,
  configs: readonly DescribedConfig[],
  shape: { readonly synonyms: boolean; readonly documentation: boolean; readonly version: number },
): Result {
  return {
    errorCode: 0,
    errorMessage: null,
    resourceType,
    resourceName,
    configs: configs.map(config => configAnswer(config, shape)),
  }
}

function configAnswer(
  config: DescribedConfig,
  shape: { readonly synonyms: boolean; readonly documentation: boolean; readonly version: number },
): ConfigAnswer {
  const { name, value, readOnly, source, isSensitive, synonyms, type, documentation } = config
  return {
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive,
    synonyms: shape.synonyms ? [...synonyms] : [],
    ...(shape.version >= 3
      ? { configType: type, documentation: shape.documentation ? documentation : null }
      : {}),
  }
}
