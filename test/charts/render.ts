/** The chart as helm renders it. */
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { type CommandResult, run } from '../targets/processes.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { type HelmVersion, npmTools } from '../kubernetes/npm-tools.ts'

export const chart = join(repositoryRoot, 'charts', 'barnabas')
export const helmVersions: readonly HelmVersion[] = ['3.17', '4.1']

export interface Rendered {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

/** `helm template` with values given as `--set-json` takes them. */
export async function template(
  version: HelmVersion,
  values: Readonly<Record<string, unknown>> = {},
  options: readonly string[] = [],
): Promise<CommandResult> {
  const { helm } = await npmTools(version)
  const set = Object.entries(values).flatMap(([path, value]) => [
    '--set-json',
    `${path}=${JSON.stringify(value)}`,
  ])
  return run(helm, ['template', 'barnabas', chart, '--namespace', 'operators', ...set, ...options])
}

/** Its manifests as text. */
export async function render(...args: Parameters<typeof template>): Promise<string> {
  const { exit, stdout, stderr } = await template(...args)
  if (exit !== 0) throw new Error(`helm template failed: ${stderr}`)
  return stdout
}

export function objectsOf(manifests: string): Rendered[] {
  return parseAllDocuments(manifests)
    .map(document => document.toJS() as Rendered | null)
    .filter(object => object !== null)
}
