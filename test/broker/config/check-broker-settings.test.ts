import { expect, test } from 'vitest'
import { type BrokerSettings, defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import {
  checkBrokerSettings,
  logDirectories,
  parseHttpListener,
} from '../../../broker/config/check-broker-settings.ts'

function check(settings: Partial<BrokerSettings>): string {
  const isGiven = (name: string): boolean => Object.hasOwn(settings, name)
  return checkBrokerSettings({ ...defaultBrokerSettings, ...settings }, isGiven).join('\n')
}

test('the defaults can stand together', () => {
  expect(check({})).toBe('')
})

test.each<[Partial<BrokerSettings>, string]>([
  [
    { 'replica.fetch.wait.max.ms': 40_000 },
    'replica.fetch.wait.max.ms: 40000 is more than replica.socket.timeout.ms',
  ],
  [{ 'log.retention.ms': 0 }, 'log.retention.ms: 0 would delete everything'],
  [{ 'log.roll.ms': 0 }, 'log.roll.ms: it must be at least 1.'],
  [{ 'queued.max.request.bytes': 5 }, 'queued.max.request.bytes: 5 is less than socket.request.max.bytes'],
  [{ 'offsets.topic.compression.codec': 9 }, 'offsets.topic.compression.codec: give 0 (none)'],
  [{ 'max.connections.per.ip': 0 }, 'max.connections.per.ip: 0 lets nobody in'],
  [{ 'max.connections.per.ip.overrides': 'a' }, "'a' is not host:count"],
  [{ 'cordoned.log.dirs': ['/x'] }, 'cordoned.log.dirs: /x is not one of log.dirs.'],
  [{ 'log.cleaner.dedupe.buffer.size': 100 }, 'at least 1 MiB'],
  [
    { 'group.consumer.session.timeout.ms': 100 },
    'does not lie between group.consumer.min.session.timeout.ms = 45000',
  ],
  [{ 'group.share.min.delivery.count.limit': 20 }, 'is more than group.share.max.delivery.count.limit'],
  [{ 'group.streams.num.standby.replicas': 5 }, 'is more than group.streams.max.standby.replicas'],
  [{ 'group.coordinator.rebalance.protocols': ['consumer'] }, "'classic' cannot be switched off"],
  [{ 'etcd.connect': ['http://localhost:2379'] }, 'cluster.id: with etcd.connect it must be given'],
  [{ 'etcd.connect': ['localhost:2379'], 'cluster.id': 'c' }, "'localhost:2379' is not http://host:port"],
  [{ 'etcd.connect': ['http://a:1', 'https://b:1'], 'cluster.id': 'c' }, 'give either only http:// or only'],
  [
    { 'etcd.connect': ['https://a:1'], 'cluster.id': 'c', 'etcd.tls.key.file': 'k' },
    'etcd.tls.certificate.file: a certificate and its key go together',
  ],
  [
    { 'etcd.connect': ['http://a:1'], 'cluster.id': 'c', 'etcd.tls.ca.file': 'ca' },
    'etcd.connect: with etcd.tls.* the endpoints must be https://.',
  ],
  [
    { 'etcd.connect': ['http://a:1'], 'cluster.id': 'c', 'etcd.username': 'u' },
    'etcd.password: user name and password go together',
  ],
  [
    { 'etcd.connect': ['http://a:1'], 'cluster.id': 'c', 'etcd.prefix': 'kafka' },
    "etcd.prefix: 'kafka' must begin with a slash.",
  ],
  [{ 'etcd.username': 'u' }, 'etcd.username: it has no effect without etcd.connect'],
  [{ 'remote.log.storage.system.enable': true }, 'tiered storage is not part of this version'],
  [{ 'http.listeners': ['9404'] }, "http.listeners: '9404' is not http://host:port."],
])('%#', (settings, mistake) => {
  expect(check(settings)).toContain(mistake)
})

test('log.dirs wins over log.dir, and each directory counts once', () => {
  expect(logDirectories(defaultBrokerSettings)).toEqual(['/tmp/kafka-logs'])
  expect(logDirectories({ ...defaultBrokerSettings, 'log.dirs': ['/a', '/b', '/a'] })).toEqual(['/a', '/b'])
})

test('an HTTP address has a host or none', () => {
  expect(parseHttpListener('http://:9404')).toEqual({ host: '', port: 9404 })
  expect(parseHttpListener('http://[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(parseHttpListener('https://:9404')).toBeUndefined()
})
