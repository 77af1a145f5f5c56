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
  const [repository, tag] = image.split(/:(?=[^:/]+$)/)
  const all = { image: { repository, tag, pullPolicy: 'Never' }, ...values }
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

export async function uninstallChart(kubernetes: Kubernetes, helm: HelmVersion): Promise<string> {
  return kubernetes.helm(helm, ['uninstall', release, '--namespace', operatorNamespace, '--wait'])
}
