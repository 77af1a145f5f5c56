/** Once per run: the cluster that all test files use, with the image of this work tree in it. */
import { tmpdir } from 'node:os'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { makeImage } from '../../packaging/image/make-image.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { must } from './commands.ts'
import { type ClusterDescription, Kubernetes } from './kubernetes.ts'
import { startKubernetes } from './start-kubernetes.ts'

/** Enough for one broker in each of three zones. */
const nodes = Number(process.env['KUBERNETES_NODES'] ?? 3)

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-image-'))
  const image = `localhost/barnabas:test-${process.pid}`
  const archive = join(directory, 'image.tar')
  const [cluster] = await Promise.all([startKubernetes({ nodes }), buildImage(image, archive)])
  await new Kubernetes(cluster.description).importImage(archive)
  rmSync(directory, { recursive: true })
  project.provide('image', image)
  project.provide('cluster', cluster.description)
  return () => cluster.stop()
}

async function buildImage(name: string, archive: string): Promise<void> {
  await must(
    process.execPath,
    [join('node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.build.json'],
    {
      directory: repositoryRoot,
      timeoutMs: 300_000,
    },
  )
  await makeImage(name, archive)
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly image: string
    readonly cluster: ClusterDescription
  }
}
