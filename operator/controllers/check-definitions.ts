/** Says when the CustomResourceDefinitions are not the ones that this operator was made for. */
import type { Logger } from '../../runtime/logger.ts'
import type { ApiServer } from '../kube/api-server.ts'
import { firstDifference } from '../reconcile/differences.ts'
import { customResourceDefinition, kinds } from '../resources/custom-resources.ts'
import type { OperatorMetrics } from './operator-metrics.ts'

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly versions: readonly { readonly schema: unknown }[] }
}

/** Throws when there is none: nothing can be watched then. An operator that may not look takes them as they are. */
export async function checkDefinitions(
  api: Pick<ApiServer, 'get'>,
  logger: Logger,
  metrics: OperatorMetrics,
): Promise<void> {
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
    const difference = firstDifference(wanted.spec.versions[0]?.schema, versions[0]?.schema)
    metrics.setDefinition(kind.kind, difference === undefined)
    if (difference !== undefined) {
      logger.warn(
        { name, difference },
        'A CustomResourceDefinition is not the one that this operator was made for; upgrade the chart.',
      )
    }
  }
}
