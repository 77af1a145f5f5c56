/** Once before all test files of a run: a cluster with the image of this work tree in it. */
import type { TestProject } from 'vitest/node'
import type { ClusterDescription } from './kubernetes.ts'
import { prepareCluster } from './prepared-cluster.ts'

/** Enough for one broker in each of three zones. */
const nodes = Number(process.env['KUBERNETES_NODES'] ?? 3)

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await prepareCluster(nodes)
  project.provide('image', cluster.image)
  project.provide('cluster', cluster.description)
  return () => cluster.stop()
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly image: string
    readonly cluster: ClusterDescription
  }
}
