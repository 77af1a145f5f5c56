import { choice, int, list, long, password, string } from './setting-types.ts'

/** What Kafka has no setting for. */
export const ownSettings = {
  'cluster.id': string(
    null,
    'Identity of the cluster, given to a new one. Without etcd it is made up when unset; with etcd it must be given, and all keys of the cluster stand below it.',
  ),
  'http.listeners': list(
    ['http://:9404'],
    'Addresses of /metrics, /healthz and /readyz, http://host:port; empty: none.',
  ),
  'broker.rack.file': string(
    null,
    'File that says broker.rack, or - for none; waited for when it is empty at the start. Wins over broker.rack.',
  ),
  'controlled.shutdown.grant.wait.ms': long(
    0,
    'How long a broker that is asked to stop waits until the controller grants that it may be away; 0: it does not ask.',
    { from: 0 },
  ),
  'controlled.shutdown.delay.ms': long(
    0,
    'How long at least a broker that is asked to stop serves on, until those who lead new clients to it (a Service, a load balancer) have forgotten it.',
    { from: 0 },
  ),
  'controlled.shutdown.grant.name': string(
    null,
    'Name in DNS of all brokers together. When there is none such any more, all of them are being removed, and none waits for a grant.',
  ),
  'control.listeners': list(
    ['http://:9090'],
    'Addresses of the gRPC service among brokers and for the operator, http://host:port or https://host:port; opened in a cluster on etcd.',
  ),
  'control.advertised.listener': string(
    null,
    'The one address of it that other brokers are told (null: the first of control.listeners).',
  ),
  'control.tls.certificate.file': string(null, 'PEM file with the certificate of the gRPC service.'),
  'control.tls.key.file': string(null, 'PEM file with the key of that certificate.'),
  'control.tls.ca.file': string(
    null,
    'PEM file with the authorities that callers of the gRPC service, and its servers, are checked against.',
  ),
  'log.level': choice(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    'info',
    'Least severe events that are logged.',
    { update: 'cluster-wide' },
  ),
  'log.dirs.reserved.bytes': long(
    134_217_728,
    'Free bytes on a data disk below which producing is refused; fetching, deletes and retention go on.',
    { from: 0, update: 'cluster-wide' },
  ),
  'etcd.connect': list(
    [],
    'Endpoints of etcd, http://host:2379; empty: metadata is kept in the data directory of the one broker.',
  ),
  'etcd.prefix': string('/barnabas', 'Beginning of every key in etcd.', { notEmpty: true }),
  'etcd.username': string(null, 'User name towards etcd.'),
  'etcd.password': password('Password towards etcd.'),
  'etcd.tls.ca.file': string(
    null,
    'PEM file with the authorities that etcd certificates are checked against.',
  ),
  'etcd.tls.certificate.file': string(null, 'PEM file with the certificate shown to etcd.'),
  'etcd.tls.key.file': string(null, 'PEM file with the key of that certificate.'),
  'etcd.request.timeout.ms': int(5000, 'Longest wait for an answer of etcd.', { from: 100 }),
}
