/** Chooses the way to a cluster: KUBERNETES_WAY=kind or packages; without it kind where that works. */
import type { StartedCluster } from './kubernetes.ts'
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
  const way = process.env['KUBERNETES_WAY'] ?? ((await kindWorks()) ? 'kind' : 'packages')
  switch (way) {
    case 'kind':
      return await startWithKind(nodes, kept)
    case 'packages':
      return findKept(nodes) ?? (await startWithPackages({ nodes, kept, signal }))
    default:
      throw new Error(`KUBERNETES_WAY is '${way}'; it may be kind or packages.`)
  }
}
