import { boolean, choice, choices, int, intMax, list, long, string } from './setting-types.ts'
import { gzipLevel } from './value-checks.ts'

/** The process, its listeners and its connections. */
export const serverSettings = {
  'broker.id': int(-1, 'Numeric id of the broker (older alias of node.id).'),
  'message.max.bytes': int(
    1_048_588,
    'Largest record batch accepted, after compression; default for topics.',
    { from: 0, update: 'cluster-wide' },
  ),
  'num.io.threads': int(8, 'Request handler threads.', { from: 1, update: 'cluster-wide' }),
  'num.replica.alter.log.dirs.threads': int(
    null,
    'Threads that move replicas between log dirs (null: one per dir).',
  ),
  'background.threads': int(10, 'Threads for housekeeping jobs.', { from: 1, update: 'cluster-wide' }),
  'request.timeout.ms': int(30_000, 'Broker-side limit for waiting on another node or on replication.'),
  'socket.connection.setup.timeout.ms': long(10_000, 'First time limit for outgoing connects.'),
  'socket.connection.setup.timeout.max.ms': long(30_000, 'Upper bound of the growing connect limit.'),
  'config.providers': list([], 'Names of plug-ins that resolve ${...} values.', { update: 'cluster-wide' }),
  'authorizer.class.name': string(
    '',
    'Authorizer plug-in; empty = everything allowed, ACL calls answer SECURITY_DISABLED.',
  ),
  'early.start.listeners': list(null, 'Listeners opened before the authorizer is ready.'),
  'broker.rack': string(null, 'Failure-zone label used for rack-aware placement and follower fetch.'),
  'controlled.shutdown.enable': boolean(true, 'Hand over leadership before stopping.'),
  'delete.topic.enable': boolean(true, 'Allow DeleteTopics.'),
  'compression.type': choice(
    ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    'producer',
    'Final codec on disk: producer = keep what came, uncompressed, gzip, snappy, lz4, zstd.',
    { update: 'cluster-wide' },
  ),
  'compression.gzip.level': int(-1, 'Level when the broker compresses with gzip (1-9, -1 default).', {
    check: gzipLevel,
    update: 'cluster-wide',
  }),
  'compression.lz4.level': int(9, 'Level when the broker compresses with lz4 (1-17).', {
    from: 1,
    to: 17,
    update: 'cluster-wide',
  }),
  'compression.zstd.level': int(3, 'Level when the broker compresses with zstd (-131072..22).', {
    from: -131_072,
    to: 22,
    update: 'cluster-wide',
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, 'Fetch sessions kept in memory.', { from: 0 }),
  'fetch.max.bytes': int(57_671_680, 'Cap on one fetch response, whatever the client asked (55 MiB).', {
    from: 1024,
  }),
  'max.request.partition.size.limit': int(2000, 'Partitions one DescribeTopicPartitions page may carry.', {
    from: 1,
  }),
  'process.roles': choices(['broker', 'controller'], ['broker'], 'Broker, controller or both.'),
  'node.id': int(1, 'Id of this process.', { from: 0 }),
  'initial.broker.registration.timeout.ms': int(60_000, 'Give up start-up when registration takes longer.'),
  'broker.heartbeat.interval.ms': int(2000, 'Period of broker heartbeats to the controller.'),
  'broker.session.timeout.ms': int(9000, 'Broker is fenced when no heartbeat came for so long.'),
  'controller.listener.names': list([], 'Listener names that belong to the controller role.'),
  'sasl.mechanism.controller.protocol': string('GSSAPI', 'SASL mechanism towards controllers.'),
  listeners: list(['PLAINTEXT://:9092'], 'Addresses to bind, NAME://host:port.', { update: 'per-broker' }),
  'advertised.listeners': list(null, 'Addresses given to clients (null: listeners).'),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Listener name to security protocol.',
    { update: 'per-broker' },
  ),
  'socket.send.buffer.bytes': int(102_400, 'SO_SNDBUF (-1 = OS).'),
  'socket.receive.buffer.bytes': int(102_400, 'SO_RCVBUF (-1 = OS).'),
  'socket.request.max.bytes': int(104_857_600, 'Largest request frame; larger closes the connection.', {
    from: 1,
  }),
  'socket.listen.backlog.size': int(50, 'Listen backlog.', { from: 1 }),
  'max.connections.per.ip': int(intMax, 'Connections allowed from one address.', {
    from: 0,
    update: 'cluster-wide',
  }),
  'max.connections.per.ip.overrides': string('', 'Exceptions host:count.', { update: 'cluster-wide' }),
  'max.connections': int(intMax, 'Connections per broker (also per listener).', {
    from: 0,
    update: 'cluster-wide',
  }),
  'max.connection.creation.rate': int(intMax, 'New connections per second (also per listener).', {
    from: 0,
    update: 'cluster-wide',
  }),
  'connections.max.idle.ms': long(600_000, 'Idle connections are closed.'),
  'connection.failed.authentication.delay.ms': int(100, 'Wait before closing after failed authentication.', {
    from: 0,
  }),
  'queued.max.requests': int(500, 'Requests waiting for a handler before reading stops.', { from: 1 }),
  'queued.max.request.bytes': long(-1, 'Bytes waiting before reading stops (-1 off).'),
  'num.network.threads': int(3, 'Socket threads per listener.', { from: 1, update: 'cluster-wide' }),
}
