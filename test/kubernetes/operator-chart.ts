/** The chart, installed as people do it. */
import { join } from 'node:path'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { HelmVersion } from './npm-tools.ts'

export const operatorChart = join(repositoryRoot, 'charts', 'barnabas')
export const release = 'barnabas'
export const operatorNamespace = 'barnabas-system'

/** Values as `--set-json` takes them, by path. The image is one that every node has. */
export async function installChart(
  kubernetes: Kubernetes,
  helm: HelmVersion,
  image: string,
  values: Readonly<Record<string, unknown>>,
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
    operatorChart,
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
