/** The chart, installed as people do it. */
import { join } from 'node:path'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { HelmVersion } from './npm-tools.ts'

export const operatorChart = join(repositoryRoot, 'charts', 'barnabas')
export const release = 'barnabas'
/** As the chart first was: older than what there is, whatever that is. */
export const firstChart = join(import.meta.dirname, 'charts', 'barnabas-first.tgz')
export const operatorNamespace = 'barnabas-system'

/** Values as `--set-json` takes them, by path. The image is one that every node has. `chart`: a directory or a package. */
export async function installChart(
  kubernetes: Kubernetes,
  helm: HelmVersion,
  image: string,
  values: Readonly<Record<string, unknown>>,
  chart = operatorChart,
): Promise<string> {
  const all = {
    image: { ...named(image), pullPolicy: kubernetes.way === 'kind' ? 'IfNotPresent' : 'Never' },
    etcdImage: { registry: '', ...named(kubernetes.etcdImage) },
    ...values,
  }
  const set = Object.entries(all).flatMap(([path, value]) => [
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

function named(image: string): { readonly repository: string | undefined; readonly tag: string | undefined } {
  const [repository, tag] = image.split(/:(?=[^:/]+$)/)
  return { repository, tag }
}

export async function uninstallChart(kubernetes: Kubernetes, helm: HelmVersion): Promise<string> {
  return kubernetes.helm(helm, ['uninstall', release, '--namespace', operatorNamespace, '--wait'])
}
