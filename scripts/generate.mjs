// npm run generate: writes what is made from declarations: crds/ from the resources; dashboards, alerts and their runbooks
// from packaging/.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generatedFiles } from '../operator/resources/generated-files.ts'
import { generatedAlerts } from '../packaging/alerts/generated-files.ts'
import { generatedDashboards } from '../packaging/dashboards/generated-files.ts'

const files = [...generatedFiles(), ...generatedDashboards(), ...generatedAlerts()]
for (const { path, text } of files) {
  const file = join(import.meta.dirname, '..', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
