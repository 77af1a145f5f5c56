/** The chart, installed as people do it. */
import { join } from 'node:path'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { HelmVersion } from './npm-tools.ts'

export const operatorChart = join(repositoryRoot, 'charts', 'barnabas')
export const release = 'barnabas'
/**
 * As the chart first was: older than what there is, whatever that is.
 * @public
 */
export const firstChart = join(import.meta.dirname, 'charts', 'barnabas-first.tgz')
export const operatorNamespace = 'barnabas-system'

/** Values, by path, that name images which every node has. */
export function imageValues(kubernetes: Kubernetes, image: string): Readonly<Record<string, string>> {
  return {
    ...named('image', image),
    'image.pullPolicy': kubernetes.way === 'kind' ? 'IfNotPresent' : 'Never',
    'etcdImage.registry': '',
    ...named('etcdImage', kubernetes.etcdImage),
  }
}

/** Values as `--set-json` takes them, by path. The image is one that every node has. `chart`: a directory or a package. */
export async function installChart(
  kubernetes: Kubernetes,
  helm: HelmVersion,
  image: string,
  values: Readonly<Record<string, unknown>>,
  chart = operatorChart,
): Promise<string> {
  const set = Object.entries({ ...imageValues(kubernetes, image), ...values }).flatMap(([path, value]) => [
    '--set-json',
    `${path}=${JSON.stringify(value)}`,
  ])
  return kubernetes.helm(helm, [
    'upgrade',
    '--install',
    release,
    chart,
    '--namespace',
    operatorNamespace,
    '--create-namespace',
    '--take-ownership',
    ...set,
  ])
}

/** The command that the chart prints as an example, with its here-document, as one would copy it. */
export function exampleOf(notes: string): string {
  const command = /^kubectl apply -f - <<'MANIFESTS'\n.*?^MANIFESTS$/ms.exec(notes)?.[0]
  if (command === undefined) throw new Error(`There is no example to be copied in: ${notes}`)
  return command
}

/** The same, but nothing is made. */
export function asTrial(command: string): string {
  return command.replace('kubectl apply', 'kubectl apply --dry-run=server')
}

function named(path: string, image: string): Readonly<Record<string, string>> {
  const [repository = image, tag = 'latest'] = image.split(/:(?=[^:/]+$)/)
  return { [`${path}.repository`]: repository, [`${path}.tag`]: tag }
}

export async function uninstallChart(kubernetes: Kubernetes, helm: HelmVersion): Promise<string> {
  return kubernetes.helm(helm, ['uninstall', release, '--namespace', operatorNamespace, '--wait'])
}
