import { expect, test } from 'vitest'
import { defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import { topicSettingsFor } from '../../../broker/config/topic-settings.ts'

const noOverrides = new Map<string, string>()

test('a topic without overrides follows the broker', () => {
  const broker = {
    ...defaultBrokerSettings,
    'message.max.bytes': 5000,
    'log.cleanup.policy': ['compact'] as const,
  }
  const settings = topicSettingsFor(noOverrides, broker)
  expect(settings['max.message.bytes']).toBe(5000)
  expect(settings['cleanup.policy']).toEqual(['compact'])
})

test('milliseconds win over minutes, and minutes over hours', () => {
  const hours = { ...defaultBrokerSettings, 'log.retention.hours': 2 }
  const minutes = { ...hours, 'log.retention.minutes': 3 }
  const milliseconds = { ...minutes, 'log.retention.ms': 4 }
  expect(topicSettingsFor(noOverrides, hours)['retention.ms']).toBe(7_200_000)
  expect(topicSettingsFor(noOverrides, minutes)['retention.ms']).toBe(180_000)
  expect(topicSettingsFor(noOverrides, milliseconds)['retention.ms']).toBe(4)
})

test('retention without limit stays without limit whatever the unit', () => {
  const broker = { ...defaultBrokerSettings, 'log.retention.hours': -1 }
  expect(topicSettingsFor(noOverrides, broker)['retention.ms']).toBe(-1)
})

test('fsync follows the scheduler interval where nothing else is said', () => {
  const broker = { ...defaultBrokerSettings, 'log.flush.scheduler.interval.ms': 1000 }
  expect(topicSettingsFor(noOverrides, defaultBrokerSettings)['flush.ms']).toBe(Infinity)
  expect(topicSettingsFor(noOverrides, broker)['flush.ms']).toBe(1000)
})

test('overrides win; those that cannot be read are passed over', () => {
  const overrides = new Map([
    ['retention.ms', '1000'],
    ['segment.bytes', 'many'],
    ['of.a.later.release', 'x'],
  ])
  const settings = topicSettingsFor(overrides, defaultBrokerSettings)
  expect(settings['retention.ms']).toBe(1000)
  expect(settings['segment.bytes']).toBe(1_073_741_824)
})

test('the same overrides on the same broker settings give the same object', () => {
  const overrides = new Map([['retention.ms', '1000']])
  const first = topicSettingsFor(overrides, defaultBrokerSettings)
  expect(topicSettingsFor(overrides, defaultBrokerSettings)).toBe(first)
  const changed = { ...defaultBrokerSettings, 'message.max.bytes': 7 }
  expect(topicSettingsFor(overrides, changed)['max.message.bytes']).toBe(7)
})
