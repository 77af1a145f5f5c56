import {
  alterConfigs,
  type Decoded,
  errorCode,
  type ErrorName,
  incrementalAlterConfigs,
} from '../../protocol/index.ts'
import type {
  AlterConfigs,
  AlterConfigsResult,
  ControllerClient,
  IncrementalAlterConfigs,
} from '../controller/controller-client.ts'
import type { BrokerLoggers } from './broker-loggers.ts'
import { resourceTypeCode, resourceTypes, storedResourceType } from './config-resources.ts'
import { type ApiHandler, handler } from './handler.ts'

/**
 * AlterConfigs (replaces all overrides of a resource) and IncrementalAlterConfigs (changes some). Log levels are this
 * broker's own affair and change at once; everything else goes through the controller.
 */
export function alterConfigsHandler(parts: AlterParts): ApiHandler {
  return handler(alterConfigs, {}, (request, { principal }) =>
    alter<Decoded<typeof alterConfigs.request>['resources'][number], AlterConfigs['resources'][number]>(
      request.resources,
      {
        stored: (resource, type) => ({ type, name: resource.resourceName, configs: resource.configs }),
        logger: resource => ({
          error: 'INVALID_REQUEST',
          message: `Log levels (${resource.resourceName}) can only be changed one by one, with IncrementalAlterConfigs.`,
        }),
        submit: resources =>
          parts.controller.alterConfigs({
            resources,
            validateOnly: request.validateOnly,
            timeoutMs: parts.timeoutMs,
            principal,
          }),
      },
    ),
  )
}

export function incrementalAlterConfigsHandler(parts: AlterParts): ApiHandler {
  type Asked = Decoded<typeof incrementalAlterConfigs.request>['resources'][number]
  return handler(incrementalAlterConfigs, {}, (request, { principal }) =>
    alter<Asked, IncrementalAlterConfigs['resources'][number]>(request.resources, {
      stored(resource, type) {
        const configs = []
        for (const { name, configOperation, value } of resource.configs) {
          const operation = operations[configOperation]
          if (operation === undefined) {
            return {
              error: 'INVALID_REQUEST',
              message: `The operation ${configOperation} on ${name} does not exist.`,
            }
          }
          configs.push({ name, operation, value })
        }
        return { type, name: resource.resourceName, configs }
      },
      logger: resource => parts.loggers.change(resource.resourceName, resource.configs, request.validateOnly),
      submit: resources =>
        parts.controller.incrementalAlterConfigs({
          resources,
          validateOnly: request.validateOnly,
          timeoutMs: parts.timeoutMs,
          principal,
        }),
    }),
  )
}

export interface AlterParts {
  readonly controller: ControllerClient
  readonly loggers: BrokerLoggers
  /** How long the controller may take (the requests name no time). */
  readonly timeoutMs: number
}

const operations = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'] as const

interface Refusal {
  readonly error: ErrorName
  readonly message: string | null
}

/** Sorts resources into those the controller keeps and those of this broker, and answers all in one list. */
async function alter<Asked extends { readonly resourceType: number; readonly resourceName: string }, Stored>(
  asked: readonly Asked[],
  how: {
    stored(resource: Asked, type: AlterConfigsResult['type']): Stored | Refusal
    logger(resource: Asked): Refusal
    submit(resources: readonly Stored[]): Promise<readonly AlterConfigsResult[]>
  },
) {
  const responses: ReturnType<typeof answer>[] = []
  const stored: Stored[] = []
  for (const resource of asked) {
    const { resourceType, resourceName } = resource
    const type = storedResourceType(resourceType)
    if (resourceType === resourceTypes.brokerLogger) {
      responses.push(answer(resourceType, resourceName, how.logger(resource)))
    } else if (type === undefined) {
      const message = `The resource type ${resourceType} does not exist.`
      responses.push(answer(resourceType, resourceName, { error: 'INVALID_REQUEST', message }))
    } else {
      const change = how.stored(resource, type)
      if (isRefusal(change)) responses.push(answer(resourceType, resourceName, change))
      else stored.push(change)
    }
  }
  const results = stored.length === 0 ? [] : await how.submit(stored)
  for (const result of results) responses.push(answer(resourceTypeCode(result.type), result.name, result))
  return { throttleTimeMs: 0, responses }
}

function isRefusal(change: unknown): change is Refusal {
  return typeof change === 'object' && change !== null && 'error' in change
}

function answer(resourceType: number, resourceName: string, { error, message }: Refusal) {
  return { errorCode: errorCode(error), errorMessage: message, resourceType, resourceName }
}
