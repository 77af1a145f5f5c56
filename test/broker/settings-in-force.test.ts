import { expect, test } from 'vitest'
import { loadBrokerSettings } from '../../broker/config/load-settings.ts'
import { emptyImage } from '../../broker/metadata/changes.ts'
import { configResourceKey, type MetadataImage } from '../../broker/metadata/image.ts'
import type { MetadataChange } from '../../broker/metadata/keys.ts'
import { SettingsInForce } from '../../broker/settings-in-force.ts'
import { imageAfter } from './controller/image-of.ts'

function inForce(given: Readonly<Record<string, string>> = {}) {
  const loaded = loadBrokerSettings({ manifest: { 'node.id': '1', ...given } })
  if (loaded.kind === 'invalid') throw new Error(loaded.mistakes.join('\n'))
  let image: MetadataImage = emptyImage
  const settings = new SettingsInForce(loaded, 1, image)
  return {
    settings,
    set: (type: 'topic' | 'broker', name: string, overrides: Readonly<Record<string, string>>): void => {
      const change: MetadataChange = {
        kind: 'config',
        type,
        name,
        overrides: new Map(Object.entries(overrides)),
      }
      image = imageAfter(image, [change])
      settings.apply(image, new Set([configResourceKey(type, name)]))
    },
    nothingChanged: (): void => {
      settings.apply(image, new Set())
    },
  }
}

test('a topic has its own value, else that of this broker, of all brokers, of the start, the default', () => {
  const { settings, set } = inForce({ 'log.retention.ms': '1' })
  const retention = () => settings.topic('t')['retention.ms']
  expect(retention()).toBe(1)
  set('broker', '', { 'log.retention.ms': '2' })
  expect(retention()).toBe(2)
  set('broker', '1', { 'log.retention.ms': '3' })
  expect(retention()).toBe(3)
  set('topic', 't', { 'retention.ms': '4' })
  expect(retention()).toBe(4)
  expect(settings.topic('other')['retention.ms']).toBe(3)
})

test('settings of another broker change nothing here', () => {
  const { settings, set } = inForce()
  const before = settings.broker
  set('broker', '2', { 'log.retention.ms': '2' })
  expect(settings.broker).toBe(before)
})

test('until something changes the settings of a topic are the same object', () => {
  const { settings, set } = inForce()
  const before = settings.topic('t')
  set('topic', 'other', { 'retention.ms': '4' })
  expect(settings.topic('t')).toBe(before)
})

test('a topic may be called like anything that objects have', () => {
  const { settings, set } = inForce()
  set('topic', '__proto__', { 'retention.ms': '4' })
  expect(settings.topic('__proto__')['retention.ms']).toBe(4)
  expect(settings.topic('constructor')['retention.ms']).toBe(604_800_000)
})

test('the rules of the controller follow the settings', () => {
  const { settings, set } = inForce({ 'num.partitions': '7', 'delete.topic.enable': 'false' })
  expect(settings.controllerRules.defaultPartitions()).toBe(7)
  expect(settings.controllerRules.deletesTopics()).toBe(false)
  expect(settings.controllerRules.electsUncleanly('t')).toBe(false)
  set('topic', 't', { 'unclean.leader.election.enable': 'true' })
  expect(settings.controllerRules.electsUncleanly('t')).toBe(true)
})

test('names that were asked for once are not kept for ever', () => {
  const { settings, nothingChanged } = inForce()
  const before = settings.topic('t-0')
  for (let at = 0; at < 2000; at++) settings.topic(`t-${at}`)
  nothingChanged()
  expect(settings.topic('t-0')).toEqual(before)
})
