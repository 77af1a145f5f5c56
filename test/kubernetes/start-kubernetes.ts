/** Chooses the way to a cluster: KUBERNETES_WAY=kind or packages; without it kind where that works. */
import type { ClusterDescription, StartedCluster } from './kubernetes.ts'
import { kindWorks, startWithKind } from './kind-way.ts'
import { findKept, startWithPackages } from './packages-way.ts'

interface StartOptions {
  readonly nodes: number
  /** Left standing; later runs take one from packages. */
  readonly kept?: boolean
  /** Ends the start early (packages only). */
  readonly signal?: AbortSignal
}

/** A cluster with at least `nodes` nodes: one that was kept, or a new one. */
export async function startKubernetes({
  nodes,
  kept = false,
  signal,
}: StartOptions): Promise<StartedCluster> {
  if ((await chosenWay()) === 'kind') return startWithKind(nodes, kept)
  return findKept(nodes) ?? (await startWithPackages({ nodes, kept, signal }))
}

export async function chosenWay(): Promise<ClusterDescription['way']> {
  const way = process.env['KUBERNETES_WAY'] ?? ((await kindWorks()) ? 'kind' : 'packages')
  if (way !== 'kind' && way !== 'packages') {
    throw new Error(`KUBERNETES_WAY is '${way}'; it may be kind or packages.`)
  }
  return way
}
