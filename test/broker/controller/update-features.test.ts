import { describe, expect, test } from 'vitest'
import { updateFeatures } from '../../../broker/controller/update-features.ts'
import { emptyImage } from '../../../broker/metadata/changes.ts'
import { supportedFeatures } from '../../../broker/metadata/supported-features.ts'
import { withBroker, withFeatures } from './image-of.ts'

const image = withBroker(withBroker(withFeatures(emptyImage), 1, { features: supportedFeatures }), 2, {
  features: [{ name: 'metadata.version', min: 7, max: 28 }, ...supportedFeatures.slice(1)],
})

type Upgrade = 'upgrade' | 'safe downgrade' | 'unsafe downgrade'

function update(name: string, level: number, upgradeType: Upgrade = 'upgrade') {
  return updateFeatures(image, [{ name, level, upgradeType }])
}

describe('feature levels', () => {
  test('go down only where that is asked for, and to what every broker works with', () => {
    expect(update('metadata.version', 28, 'safe downgrade')).toMatchObject({
      changes: [
        { kind: 'features', finalized: new Map([...image.features.finalized, ['metadata.version', 28]]) },
      ],
      result: { error: 'NONE' },
    })
    expect(update('metadata.version', 28).result).toMatchObject({
      error: 'INVALID_UPDATE_VERSION',
      message:
        'The feature metadata.version is at level 30; to lower it to 28 a downgrade must be asked for.',
    })
    expect(update('metadata.version', 29, 'safe downgrade').result.message).toBe(
      'Level 29 of the feature metadata.version is not possible: broker 2 works with 7 to 28.',
    )
    expect(update('metadata.version', 27, 'unsafe downgrade').result.message).toContain('no unsafe downgrade')
  })

  test('a feature is switched off by level 0, and on again', () => {
    const { changes } = update('group.version', 0, 'safe downgrade')
    const [change] = changes
    expect(change?.kind === 'features' && change.finalized.has('group.version')).toBe(false)
    expect(update('group.version', 1)).toEqual({ changes: [], result: { error: 'NONE', message: null } })
    expect(update('group.version', 2).result.error).toBe('INVALID_UPDATE_VERSION')
    expect(update('group.version', -1).result.error).toBe('INVALID_UPDATE_VERSION')
  })

  test('an update that fails leaves all as they are', () => {
    const both = updateFeatures(image, [
      { name: 'group.version', level: 0, upgradeType: 'safe downgrade' },
      { name: 'unknown.version', level: 1, upgradeType: 'upgrade' },
    ])
    expect(both).toMatchObject({
      changes: [],
      result: { message: 'Broker 1 does not know the feature unknown.version.' },
    })
    const twice = { name: 'group.version', level: 1, upgradeType: 'upgrade' as const }
    expect(updateFeatures(image, [twice, twice]).result.error).toBe('INVALID_REQUEST')
  })
})
