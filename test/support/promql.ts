/** Reads PromQL with the grammar that Prometheus' own user interface has. */
import { parser } from '@prometheus-io/lezer-promql'

/** Names of metrics, in the order they stand there and as often; throws where it is not PromQL. */
export function metricsIn(expression: string): string[] {
  const names: string[] = []
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) {
        const rest = expression.slice(Math.max(0, node.from - 20), node.to + 20)
        throw new Error(`Not PromQL near '${rest}': ${expression}`)
      }
      if (node.name !== 'VectorSelector') return
      const name = node.node.getChild('Identifier')
      if (name !== null) names.push(expression.slice(name.from, name.to))
    },
  })
  return names
}
