import { describe, expect, test } from 'vitest'
import { applyChanges, emptyImage } from '../../../broker/metadata/changes.ts'
import { configResourceKey, configsOf, isAlive, type MetadataImage } from '../../../broker/metadata/image.ts'
import type { MetadataChange } from '../../../broker/metadata/keys.ts'

function after(image: MetadataImage, ...changes: MetadataChange[]): MetadataImage {
  const revision = image.revision + 1
  return applyChanges(
    image,
    revision,
    changes.map(change => ({ change, createRevision: revision, modRevision: revision })),
  ).image
}

describe('reading an image', () => {
  test('overrides are found by type and name, and are empty where there are none', () => {
    const image = after(emptyImage, {
      kind: 'config',
      type: 'group',
      name: 'a/b',
      overrides: new Map([['k', 'v']]),
    })
    expect(configsOf(image, 'group', 'a/b').get('k')).toBe('v')
    expect(configsOf(image, 'topic', 'a/b').size).toBe(0)
    expect(configResourceKey('group', 'a/b')).toBe('group/a/b')
  })

  test('a broker is alive from when it is let in until it is gone', () => {
    const registration = {
      incarnationId: 'i',
      listeners: [],
      control: null,
      rack: null,
      logDirectories: [],
      cordoned: false,
      previousEpoch: -1,
      features: [],
      minInsyncReplicas: 1,
    }
    const registered = after(emptyImage, { kind: 'broker', id: 1, registration })
    const state = {
      admittedEpoch: registered.revision,
      cleanStopEpoch: -1,
      incarnationId: null,
      stoppingEpoch: -1,
      listeners: [],
      rack: null,
      cordoned: false,
    }
    const admitted = after(registered, { kind: 'brokerState', id: 1, state })
    const gone = after(admitted, { kind: 'broker', id: 1, registration: null })
    expect([emptyImage, registered, admitted, gone].map(image => isAlive(image, 1))).toEqual([
      false,
      false,
      true,
      false,
    ])
  })
})
