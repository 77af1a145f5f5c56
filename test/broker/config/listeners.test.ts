import { describe, expect, test } from 'vitest'
import { type BrokerSettings, defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import { parseAddress, readListeners } from '../../../broker/config/listeners.ts'

function listenersOf(settings: Partial<BrokerSettings>) {
  return readListeners({ ...defaultBrokerSettings, ...settings }, name => Object.hasOwn(settings, name))
}

test('an address is a name, a host or none, and a port', () => {
  expect(parseAddress('PLAINTEXT://:9092')).toEqual({ name: 'PLAINTEXT', host: '', port: 9092 })
  expect(parseAddress('inside://kafka.local:1')).toEqual({ name: 'INSIDE', host: 'kafka.local', port: 1 })
  expect(parseAddress('A://[::1]:9092')).toEqual({ name: 'A', host: '::1', port: 9092 })
  for (const wrong of ['9092', 'A:9092', 'A://host', 'A://host:99999', 'A://h:x', '://h:1', 'A://a:b:1']) {
    expect(parseAddress(wrong), wrong).toBeUndefined()
  }
})

test('by default there is one listener on every address', () => {
  const { listeners, mistakes } = listenersOf({})
  expect(mistakes).toEqual([])
  expect(listeners.bound).toEqual([
    { name: 'PLAINTEXT', host: '', port: 9092, securityProtocol: 'PLAINTEXT' },
  ])
  expect(listeners.advertised).toEqual(listeners.bound)
  expect(listeners.interBroker).toBe('PLAINTEXT')
})

test('listeners of a KRaft controller are left out', () => {
  const { listeners, mistakes } = listenersOf({
    listeners: ['PLAINTEXT://:9092', 'CONTROLLER://:9093'],
    'advertised.listeners': ['PLAINTEXT://localhost:9092', 'CONTROLLER://localhost:9093'],
    'controller.listener.names': ['CONTROLLER'],
    'inter.broker.listener.name': 'PLAINTEXT',
  })
  expect(mistakes).toEqual([])
  expect(listeners.bound.map(({ name }) => name)).toEqual(['PLAINTEXT'])
  expect(listeners.advertised.map(({ host }) => host)).toEqual(['localhost'])
})

test('a listener of any name serves brokers too when nothing else is said', () => {
  const { listeners, mistakes } = listenersOf({
    listeners: ['INTERNAL://0.0.0.0:9092'],
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT',
  })
  expect(mistakes).toEqual([])
  expect(listeners.interBroker).toBe('INTERNAL')
  expect(listeners.advertised[0]?.host).toBe('')
})

test('the same port may be had once on IPv4 and once on IPv6', () => {
  const { mistakes } = listenersOf({
    listeners: ['A://127.0.0.1:9092', 'B://[::1]:9092'],
    'listener.security.protocol.map': 'A:PLAINTEXT,B:PLAINTEXT',
  })
  expect(mistakes).toEqual([])
})

describe('what cannot work is refused', () => {
  test.each<[Partial<BrokerSettings>, RegExp]>([
    [{ listeners: ['nonsense'] }, /listeners: 'nonsense' is not a listener; write it as NAME:\/\/host:port/],
    [{ listeners: ['A://:9092'] }, /add A:PLAINTEXT to listener.security.protocol.map/],
    [{ listeners: ['PLAINTEXT://:1', 'PLAINTEXT://:2'] }, /the name PLAINTEXT is used twice/],
    [
      {
        listeners: ['PLAINTEXT://:1', 'B://:1'],
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT',
      },
      /PLAINTEXT and B both want port 1/,
    ],
    [{ listeners: ['SSL://:9092'] }, /SSL asks for SSL, which this version does not serve yet/],
    [{ 'listener.security.protocol.map': 'A:TLS' }, /'A:TLS' is not NAME:PROTOCOL/],
    [{ 'advertised.listeners': ['PLAINTEXT://0.0.0.0:9092'] }, /clients cannot connect to 0\.0\.0\.0/],
    [
      {
        'advertised.listeners': ['B://h:1'],
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT',
      },
      /there is no B in listeners/,
    ],
    [
      { 'inter.broker.listener.name': 'Q' },
      /there is no listener Q that is advertised; choose one of PLAINTEXT/,
    ],
    [
      { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
      /keep only this one/,
    ],
    [{ 'controller.listener.names': ['PLAINTEXT'] }, /there is none for clients/],
  ])('%#', (settings, mistake) => {
    expect(listenersOf(settings).mistakes.join('\n')).toMatch(mistake)
  })
})
