import type { FeatureRange } from './image.ts'

/** Levels that this release can work with; what is finalized stands in the metadata (KIP-584). */
export const supportedFeatures: readonly FeatureRange[] = [
  { name: 'metadata.version', min: 7, max: 30 },
  { name: 'eligible.leader.replicas.version', min: 0, max: 1 },
  { name: 'group.version', min: 0, max: 1 },
]

/** Levels of a new cluster: the highest. */
export const featuresOfNewCluster: ReadonlyMap<string, number> = new Map(
  supportedFeatures.map(({ name, max }) => [name, max]),
)
