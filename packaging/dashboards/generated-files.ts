/** Every file of the chart that is made from the boards. Pure. */
import type { Board } from './board.ts'
import { clusterBoard } from './cluster-board.ts'
import { grafanaDashboard } from './grafana.ts'
import { operatorBoard } from './operator-board.ts'
import { topicsBoard } from './topics-board.ts'

export const boards: readonly Board[] = [clusterBoard, topicsBoard, operatorBoard]

export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

export function generatedDashboards(): readonly GeneratedFile[] {
  return boards.map(board => ({
    path: `charts/barnabas/dashboards/${board.name}.json`,
    text: `${JSON.stringify(grafanaDashboard(board), null, 1)}\n`,
  }))
}
