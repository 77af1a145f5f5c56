import type { ErrorName } from '../../protocol/index.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { FeatureUpdate, Outcome } from './controller-client.ts'
import type { Decision } from './decision.ts'

/** UpdateFeatures: all of the updates or none (KIP-584, KIP-1022). Every registered broker must know the new level. */
export function updateFeatures(image: MetadataImage, updates: readonly FeatureUpdate[]): Decision<Outcome> {
  const finalized = new Map(image.features.finalized)
  for (const [at, update] of updates.entries()) {
    const { name, level } = update
    const isRepeated = updates.findIndex(other => other.name === name) !== at
    const mistake = isRepeated
      ? invalid('INVALID_REQUEST', `The feature ${name} was given more than once.`)
      : findMistake(image, update)
    if (mistake !== null) return { changes: [], result: mistake }
    if (level === 0) finalized.delete(name)
    else finalized.set(name, level)
  }
  const isSame = updates.every(({ name, level }) => (image.features.finalized.get(name) ?? 0) === level)
  return {
    changes: isSame ? [] : [{ kind: 'features', finalized }],
    result: { error: 'NONE', message: null },
  }
}

function findMistake(image: MetadataImage, { name, level, upgradeType }: FeatureUpdate): Outcome | null {
  const current = image.features.finalized.get(name) ?? 0
  for (const { id, features } of image.brokers.values()) {
    const range = features.find(feature => feature.name === name)
    if (range === undefined)
      return invalid('INVALID_UPDATE_VERSION', `Broker ${id} does not know the feature ${name}.`)
    if (level < range.min || level > range.max) {
      return invalid(
        'INVALID_UPDATE_VERSION',
        `Level ${level} of the feature ${name} is not possible: broker ${id} works with ${range.min} to ${range.max}.`,
      )
    }
  }
  if (level < current && upgradeType === 'upgrade') {
    return invalid(
      'INVALID_UPDATE_VERSION',
      `The feature ${name} is at level ${current}; to lower it to ${level} a downgrade must be asked for.`,
    )
  }
  if (level > current && upgradeType !== 'upgrade') {
    return invalid(
      'INVALID_UPDATE_VERSION',
      `The feature ${name} is at level ${current}; a downgrade cannot raise it to ${level}.`,
    )
  }
  if (name === 'metadata.version' && upgradeType === 'unsafe downgrade') {
    return invalid('INVALID_UPDATE_VERSION', 'metadata.version has no unsafe downgrade.')
  }
  return null
}

function invalid(error: ErrorName, message: string): Outcome {
  return { error, message }
}
