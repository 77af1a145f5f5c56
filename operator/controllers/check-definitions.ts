/** Says when the CustomResourceDefinitions are not the ones that this operator was made for. */
import { backoffMs } from '../../runtime/backoff.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Random } from '../../runtime/random.ts'
import { classOf } from '../kube/api-error.ts'
import type { ApiServer } from '../kube/api-server.ts'
import { firstDifference } from '../reconcile/differences.ts'
import { customResourceDefinition, kinds } from '../resources/custom-resources.ts'
import type { Schema } from '../resources/declared-fields.ts'
import type { OperatorMetrics } from './operator-metrics.ts'

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] }
}

/** What their statuses may say, by kind, where it is not what this operator was made for. */
export type OtherStatusSchemas = ReadonlyMap<string, Schema>

export interface DefinitionParts {
  readonly api: Pick<ApiServer, 'get'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: OperatorMetrics
}

/** Throws when there is none: nothing can be watched then. An API server that is away is waited for. */
export async function checkDefinitions(parts: DefinitionParts): Promise<OtherStatusSchemas> {
  const { clock, random, logger } = parts
  for (let attempt = 0; ; attempt++) {
    try {
      return await checkOnce(parts)
    } catch (error) {
      const kind = classOf(error)
      if (kind !== 'unavailable' && kind !== 'throttled') throw error
      // Ending would leave it to the kubelet, which waits for minutes between attempts.
      const delayMs = backoffMs(attempt, { firstMs: 200, mostMs: 5000 }, random)
      logger.warn({ err: error, delayMs }, 'The API server does not answer; it is asked again.')
      await sleep(clock, delayMs)
    }
  }
}

async function checkOnce({ api, logger, metrics }: DefinitionParts): Promise<OtherStatusSchemas> {
  const others = new Map<string, Schema>()
  for (const kind of kinds) {
    const wanted = customResourceDefinition(kind) as Definition
    const { name } = wanted.metadata
    const live = await api.get({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name,
    })
    if (live === undefined) {
      throw new Error(
        `There is no CustomResourceDefinition ${name}; install the files of crds/, or the chart with crds.install.`,
      )
    }
    const { versions } = live.spec as Definition['spec']
    const schema = versions[0]?.schema
    const difference = firstDifference(wanted.spec.versions[0]?.schema, schema)
    metrics.setDefinition(kind.kind, difference === undefined)
    if (difference !== undefined) {
      others.set(kind.kind, schema?.openAPIV3Schema.properties?.['status'] ?? {})
      logger.warn(
        { name, difference },
        'A CustomResourceDefinition is not the one that this operator was made for, and what it does not declare is left out of statuses; upgrade the chart.',
      )
    }
  }
  return others
}
