/** The rules as the chart takes them, and a runbook for every alert. Pure. */
import { stringify } from 'yaml'
import type { Alert, AlertGroup } from './alert.ts'
import { brokerAlerts } from './broker-alerts.ts'
import { etcdAlerts } from './etcd-alerts.ts'
import { operatorAlerts } from './operator-alerts.ts'

export const alertGroups: readonly AlertGroup[] = [brokerAlerts, etcdAlerts, operatorAlerts]

const notice = 'Made from packaging/alerts by `npm run generate`. Never edit it by hand.'

export function generatedAlerts(): readonly { readonly path: string; readonly text: string }[] {
  return [
    {
      path: 'charts/barnabas/files/alerts.yaml',
      text: `# ${notice}\n${stringify({ groups: alertGroups.map(ruleGroup) }, { lineWidth: 0 })}`,
    },
    { path: 'charts/runbooks/README.md', text: runbookIndex() },
    ...alertGroups.flatMap(({ alerts }) =>
      alerts.map(alert => ({ path: `charts/runbooks/${alert.name}.md`, text: runbook(alert) })),
    ),
  ]
}

function ruleGroup({ name, alerts }: AlertGroup): object {
  return {
    name,
    rules: alerts.map(alert => ({
      alert: alert.name,
      expr: alert.expression,
      for: alert.for,
      labels: { severity: alert.severity },
      annotations: { summary: alert.summary, description: alert.means },
    })),
  }
}

function runbook({ name, severity, expression, for: duration, means, steps }: Alert): string {
  return `<!-- ${notice} -->
# ${name}

${severity}, after ${duration}

${means}

## What to do

${steps.map((step, at) => `${at + 1}. ${step}`).join('\n')}

## The rule

\`\`\`
${expression}
\`\`\`
`
}

function runbookIndex(): string {
  const lines = alertGroups.flatMap(({ alerts }) =>
    alerts.map(({ name, severity, means }) => `| [${name}](${name}.md) | ${severity} | ${means} |`),
  )
  return `<!-- ${notice} -->
# Runbooks

A page for every alert of the chart. Point \`prometheusRule.runbookUrl\` to where your people read them.

| alert | severity | it means |
|---|---|---|
${lines.join('\n')}
`
}
