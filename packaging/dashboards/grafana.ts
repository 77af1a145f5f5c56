/** A board as Grafana reads it. */
import * as common from '@grafana/grafana-foundation-sdk/common'
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { Board, Panel, Variable } from './board.ts'

/** Whichever Prometheus the reader chooses: no board names one. */
const datasource: common.DataSourceRef = { type: 'prometheus', uid: '$datasource' }

export function grafanaDashboard(board: Board): Dashboard {
  const dashboard = new DashboardBuilder(board.title)
    .uid(board.name)
    .description(board.sentence)
    .tags(['barnabas', 'kafka'])
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
  for (const variable of board.variables) dashboard.withVariable(grafanaVariable(variable))
  for (const { title, panels } of board.rows) {
    dashboard.withRow(new RowBuilder(title))
    for (const panel of panels) dashboard.withPanel(grafanaPanel(panel))
  }
  return dashboard.build()
}

function grafanaVariable({ name, label, metric, from, many }: Variable): QueryVariableBuilder {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(`label_values(${metric}, ${from})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
  return many ? variable.multi(true).includeAll(true).allValue('.*') : variable
}

function grafanaPanel(panel: Panel): StatBuilder | GraphBuilder {
  const builder = panel.kind === 'stat' ? statPanel(panel) : graphPanel()
  builder.title(panel.title).description(panel.sentence).unit(panel.unit).datasource(datasource)
  for (const { expression, legend } of panel.queries) {
    builder.withTarget(new DataqueryBuilder().expr(expression).legendFormat(legend).datasource(datasource))
  }
  return builder
}

function statPanel({ bad }: Panel): StatBuilder {
  const steps =
    bad === undefined
      ? [{ value: null, color: 'text' }]
      : 'from' in bad
        ? [
            { value: null, color: 'green' },
            { value: bad.from, color: 'red' },
          ]
        : [
            { value: null, color: 'red' },
            { value: bad.otherThan, color: 'green' },
            { value: bad.otherThan + 1, color: 'red' },
          ]
  return new StatBuilder()
    .height(4)
    .span(4)
    .graphMode(common.BigValueGraphMode.None)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
}

function graphPanel(): GraphBuilder {
  return new GraphBuilder()
    .height(8)
    .span(8)
    .min(0)
    .fillOpacity(10)
    .showPoints(common.VisibilityMode.Never)
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
}
