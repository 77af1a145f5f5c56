import { type Uuid, uuidFromRandom } from '../../protocol/index.ts'
import type { Random } from '../../runtime/random.ts'
import { currentLayout, keyOf, keys, type MetadataChange } from './keys.ts'
import type { MetadataStore, Put } from './metadata-store.ts'
import { decodeEntry, encodeValue } from './values.ts'

/** Feature levels that are finalized when a cluster is made; others follow with the APIs behind them. */
const featuresOfNewCluster: ReadonlyMap<string, number> = new Map([
  ['metadata.version', 30],
  ['group.version', 1], // KIP-848
])

/**
 * Makes the cluster's identity in an empty store, once, whoever comes first; else checks that this release can read
 * what is there. Throws a sentence when it cannot. A new cluster gets `wantedId`, or an id that is made up.
 */
export async function setUpCluster(
  store: MetadataStore,
  random: Random,
  wantedId: string | null = null,
): Promise<void> {
  const { entry } = await store.get(keys.version)
  if (entry !== undefined) {
    checkLayout(entry.value)
    await finalizeNewFeatures(store)
    return
  }
  const clusterId: Uuid = wantedId ?? uuidFromRandom(size => random.bytes(size))
  const changes: MetadataChange[] = [
    { kind: 'version', layout: currentLayout },
    { kind: 'cluster', clusterId },
    { kind: 'features', finalized: featuresOfNewCluster },
  ]
  const put: Put[] = changes.map(change => ({ key: keyOf(change), value: encodeValue(change) ?? '' }))
  const { ok } = await store.commit({ compare: [{ key: keys.version, createRevision: 0 }], put })
  if (!ok) await setUpCluster(store, random, wantedId)
}

/**
 * A cluster made by an earlier release gets the features that came since, as far as it says nothing of them: a level of 0 is
 * somebody's wish and stays.
 */
async function finalizeNewFeatures(store: MetadataStore): Promise<void> {
  const { entry } = await store.get(keys.features)
  if (entry === undefined) return
  const change = decodeEntry(keys.features, entry.value)
  if (change?.kind !== 'features') return
  const missing = [...featuresOfNewCluster].filter(([name]) => !change.finalized.has(name))
  if (missing.length === 0) return
  const finalized = new Map([...change.finalized, ...missing])
  const value = encodeValue({ kind: 'features', finalized }) ?? ''
  const { ok } = await store.commit({
    compare: [{ key: keys.features, modRevision: entry.modRevision }],
    put: [{ key: keys.features, value }],
  })
  if (!ok) await finalizeNewFeatures(store)
}

function checkLayout(value: string): void {
  const version = decodeEntry(keys.version, value)
  const layout = version?.kind === 'version' ? version.layout : 0
  if (layout > currentLayout) {
    throw new Error(
      `The metadata store has layout ${layout}, written by a later release; this one reads up to ${currentLayout}. Start the later release.`,
    )
  }
}
