/** What is made from the boards and alerts is what the tree has, and reads as PromQL. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { alertGroups, generatedAlerts } from '../../packaging/alerts/generated-files.ts'
import { boards, generatedDashboards } from '../../packaging/dashboards/generated-files.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { metricsIn } from '../support/promql.ts'

const files = [...generatedDashboards(), ...generatedAlerts()]

test.each(files)('$path is what the declarations say; if not, run `npm run generate`', ({ path, text }) => {
  expect(readFileSync(join(repositoryRoot, path), 'utf8')).toBe(text)
})

test('nothing is left of boards and alerts that are gone', () => {
  for (const folder of ['charts/barnabas/dashboards', 'charts/runbooks']) {
    const there = readdirSync(join(repositoryRoot, folder)).map(name => `${folder}/${name}`)
    const made = files.map(({ path }) => path).filter(path => path.startsWith(`${folder}/`))
    expect(new Set(there)).toEqual(new Set(made))
  }
})

test('every query of a panel reads as PromQL and stays within the scope of its board', () => {
  for (const { scope, title, panels } of boards.flatMap(({ rows, ...board }) =>
    rows.map(row => ({ ...row, scope: board.scope })),
  )) {
    for (const panel of panels) {
      for (const { expression } of panel.queries) {
        const metrics = metricsIn(expression.replaceAll('$__rate_interval', '5m'))
        expect(metrics.length, `${title} / ${panel.title}`).toBeGreaterThan(0)
        const scopes = expression.split(`{${scope}`).length - 1
        expect(scopes, `${title} / ${panel.title}: ${expression}`).toBe(metrics.length)
      }
    }
  }
})

test('every rule reads as PromQL, and names are unique', () => {
  const alerts = alertGroups.flatMap(group => group.alerts)
  for (const { name, expression } of alerts) expect(metricsIn(expression).length, name).toBeGreaterThan(0)
  expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length)
})

test('titles of panels are unique on their board, so that one can speak of them', () => {
  for (const { name, rows } of boards) {
    for (const { title, panels } of rows) {
      const titles = panels.map(panel => panel.title)
      expect(new Set(titles).size, `${name} / ${title}`).toBe(titles.length)
    }
  }
})

test('a dashboard names no data source, and is small enough for a ConfigMap', () => {
  for (const { text } of generatedDashboards()) {
    expect(text.length).toBeLessThan(1_000_000)
    const uids = [...text.matchAll(/"datasource": \{\s*"type": "prometheus",\s*"uid": "([^"]*)"/g)]
    expect(uids.length).toBeGreaterThan(0)
    for (const [, uid] of uids) expect(uid).toBe('$datasource')
  }
})
