/** A cluster whose nodes have the image of this work tree: what tests and figures begin with. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeImage } from '../../packaging/image/make-image.ts'
import { repositoryRoot } from '../targets/kafka-jars.ts'
import { must } from './commands.ts'
import { Kubernetes, type StartedCluster } from './kubernetes.ts'
import { startKubernetes } from './start-kubernetes.ts'

export interface PreparedCluster extends StartedCluster {
  readonly image: string
}

/** Compiles, makes the image, starts a cluster (or takes the one that was kept) and gives it the image. */
export async function prepareCluster(nodes: number): Promise<PreparedCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-image-'))
  const image = `localhost/barnabas:test-${process.pid}`
  const archive = join(directory, 'image.tar')
  const [cluster] = await Promise.all([startKubernetes({ nodes }), buildImage(image, archive)])
  await new Kubernetes(cluster.description).importImage(archive)
  rmSync(directory, { recursive: true })
  return { description: cluster.description, image, stop: () => cluster.stop() }
}

/** The image of this work tree under another name, for every node. Needs what `prepareCluster` compiled. */
export async function giveImage(kubernetes: Kubernetes, name: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'barnabas-image-'))
  const archive = join(directory, 'image.tar')
  await makeImage(name, archive)
  await kubernetes.importImage(archive)
  rmSync(directory, { recursive: true })
}

async function buildImage(name: string, archive: string): Promise<void> {
  const compiler = join('node_modules', 'typescript', 'bin', 'tsc')
  await must(process.execPath, [compiler, '-b', 'tsconfig.build.json'], {
    directory: repositoryRoot,
    timeoutMs: 300_000,
  })
  await makeImage(name, archive)
}
