import { type Uuid, uuidFromRandom } from '../../protocol/index.ts'
import type { Random } from '../../runtime/random.ts'
import { currentLayout, keyOf, keys, type MetadataChange } from './keys.ts'
import type { MetadataStore, Put } from './metadata-store.ts'
import { featuresOfNewCluster } from './supported-features.ts'
import { decodeEntry, encodeValue } from './values.ts'

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

function checkLayout(value: string): void {
  const version = decodeEntry(keys.version, value)
  const layout = version?.kind === 'version' ? version.layout : 0
  if (layout > currentLayout) {
    throw new Error(
      `The metadata store has layout ${layout}, written by a later release; this one reads up to ${currentLayout}. Start the later release.`,
    )
  }
}
