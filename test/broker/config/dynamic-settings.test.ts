import { expect, test } from 'vitest'
import { defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import { DynamicBrokerSettings } from '../../../broker/config/dynamic-settings.ts'

function start(given: Record<string, string> = {}): DynamicBrokerSettings {
  return new DynamicBrokerSettings(defaultBrokerSettings, new Map(Object.entries(given)))
}

test('a value for this broker wins over one for all, and that over the start', () => {
  const settings = start()
  settings.update(
    new Map([
      ['log.retention.ms', '1'],
      ['num.io.threads', '2'],
    ]),
    new Map([['log.retention.ms', '3']]),
  )
  expect(settings.current['log.retention.ms']).toBe(3)
  expect(settings.current['num.io.threads']).toBe(2)
  settings.update()
  expect(settings.current['log.retention.ms']).toBeNull()
})

test('settings that need a restart, and values that cannot be read, are passed over', () => {
  const settings = start()
  settings.update(
    new Map([
      ['num.partitions', '9'],
      ['num.io.threads', 'x'],
      ['unknown', '1'],
    ]),
  )
  expect(settings.current['num.partitions']).toBe(1)
  expect(settings.current['num.io.threads']).toBe(8)
})

test('whoever asked is told of each change once', () => {
  const settings = start()
  const seen: (readonly [number, number])[] = []
  settings.onChange((now, before) => seen.push([before['num.io.threads'], now['num.io.threads']]))
  const overrides = new Map([['num.io.threads', '2']])
  settings.update(overrides)
  settings.update(overrides)
  expect(seen).toEqual([[8, 2]])
})

test('a listener has its own values, whatever the level of the plain ones', () => {
  const settings = start({ 'listener.name.outside.max.connections': '5' })
  settings.update(new Map([['max.connections', '100']]))
  expect(settings.forListener('OUTSIDE')['max.connections']).toBe(5)
  expect(settings.forListener('PLAINTEXT')['max.connections']).toBe(100)
})
