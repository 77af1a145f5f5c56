/** The queries of all panels, with what Grafana would put in for their variables, asked of a real Prometheus. */
import type { Panel } from '../../packaging/dashboards/board.ts'
import { boards } from '../../packaging/dashboards/generated-files.ts'
import { waitUntil } from '../targets/processes.ts'
import { operatorNamespace } from './operator-chart.ts'
import type { Prometheus } from './prometheus.ts'

/** The cluster that is looked at. */
export interface Chosen {
  readonly namespace: string
  readonly cluster: string
}

export interface PanelQuery {
  /** Title of the board. */
  readonly board: string
  readonly panel: Panel
  readonly expression: string
}

export const panelQueries: readonly PanelQuery[] = boards.flatMap(board =>
  board.rows.flatMap(row =>
    row.panels.flatMap(panel =>
      panel.queries.map(({ expression }) => ({ board: board.title, panel, expression })),
    ),
  ),
)

export function withChoice(expression: string, { namespace, cluster }: Chosen): string {
  const values: Readonly<Record<string, string>> = {
    $__rate_interval: '30s',
    // The board of the operator is about the namespace that the operator is in.
    $namespace: expression.includes('operator="barnabas"') ? operatorNamespace : namespace,
    $cluster: cluster,
    $broker: '.*',
    $topic: '.*',
    $group: '.*',
  }
  return expression.replaceAll(/\$\w+/g, name => values[name] ?? name)
}

/** The first number of each answer. Waits until every query that good days answer has one: NaN is what quantiles of nothing are. */
export async function answersOf(
  prometheus: Prometheus,
  chosen: Chosen,
): Promise<ReadonlyMap<PanelQuery, number>> {
  const answers = new Map<PanelQuery, number>()
  const ask = async (query: PanelQuery): Promise<void> => {
    const samples = await prometheus.query(withChoice(query.expression, chosen))
    const number = samples.find(({ value }) => value[1] !== 'NaN')
    if (number !== undefined) answers.set(query, Number(number.value[1]))
  }
  const unanswered = (): readonly PanelQuery[] => panelQueries.filter(query => !answers.has(query))
  const missing = (): readonly PanelQuery[] =>
    unanswered().filter(({ panel }) => panel.mayBeEmpty === undefined)
  await waitUntil(
    () =>
      `all panels have data; these have none: ${missing()
        .map(({ board, panel, expression }) => `\n${board} / ${panel.title}: ${expression}`)
        .join('')}`,
    async () => {
      await Promise.all(unanswered().map(ask))
      return missing().length === 0 || undefined
    },
    { deadlineMs: 90_000, everyMs: 1_000 },
  )
  return answers
}
