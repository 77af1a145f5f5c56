import type { BrokerSettings } from './broker-settings.ts'

/** What cannot stand together in the settings of etcd.*, as sentences that begin with the setting to change. Pure. */
export function checkEtcdSettings(
  settings: BrokerSettings,
  isGiven: (name: string) => boolean,
): readonly string[] {
  const endpoints = settings['etcd.connect']
  if (endpoints.length === 0) return withoutEtcd(isGiven)
  const mistakes = endpoints
    .filter(endpoint => !isEndpoint(endpoint))
    .map(endpoint => `etcd.connect: '${endpoint}' is not http://host:port or https://host:port.`)
  const secure = endpoints.filter(endpoint => endpoint.startsWith('https://')).length
  if (secure > 0 && secure < endpoints.length)
    mistakes.push('etcd.connect: give either only http:// or only https:// endpoints.')

  if (settings['cluster.id'] === null) {
    mistakes.push(
      'cluster.id: with etcd.connect it must be given, the same for all brokers: all keys of the cluster in etcd stand below it. For a new cluster choose any name that no other cluster in that etcd has; a data directory tells its own in meta.properties.',
    )
  }
  if (!settings['etcd.prefix'].startsWith('/'))
    mistakes.push(`etcd.prefix: '${settings['etcd.prefix']}' must begin with a slash.`)

  const [certificate, key] = [settings['etcd.tls.certificate.file'], settings['etcd.tls.key.file']]
  if ((certificate === null) !== (key === null)) {
    const missing = certificate === null ? 'etcd.tls.certificate.file' : 'etcd.tls.key.file'
    mistakes.push(`${missing}: a certificate and its key go together; give it too.`)
  }
  const hasTls = certificate !== null || key !== null || settings['etcd.tls.ca.file'] !== null
  if (hasTls && secure === 0) mistakes.push('etcd.connect: with etcd.tls.* the endpoints must be https://.')
  if ((settings['etcd.username'] === null) !== (settings['etcd.password'] === null)) {
    const missing = settings['etcd.username'] === null ? 'etcd.username' : 'etcd.password'
    mistakes.push(`${missing}: user name and password go together; give it too.`)
  }
  return mistakes
}

function withoutEtcd(isGiven: (name: string) => boolean): readonly string[] {
  const names = ['etcd.username', 'etcd.password', 'etcd.tls.ca.file', 'etcd.tls.certificate.file'] as const
  return names.filter(isGiven).map(name => `${name}: it has no effect without etcd.connect; give that too.`)
}

function isEndpoint(endpoint: string): boolean {
  const match = /^https?:\/\/(?:\[[0-9A-Fa-f:.%]+\]|[^:/[\]\s]+):(\d{1,5})\/?$/.exec(endpoint)
  return match !== null && Number(match[1]) >= 1 && Number(match[1]) <= 65_535
}
