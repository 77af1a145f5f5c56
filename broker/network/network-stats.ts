import type { Metric } from '../metrics/metrics.ts'

/** Why a connection ended. */
export type CloseKind =
  | 'peer'
  | 'idle'
  | 'badFrame'
  | 'badRequest'
  | 'unknownApi'
  | 'unsupportedVersion'
  | 'handler'
  | 'memory'
  | 'error'
  | 'bug'
  | 'stopped'

/** Why a connection was not taken. */
export type RefusalKind = 'connections' | 'address' | 'rate'

/** What one listener did so far: plain fields, read when scraped. */
export class NetworkStats {
  readonly listenerName: string
  readonly closed = new Map<CloseKind, number>()
  readonly refused = new Map<RefusalKind, number>()
  accepted = 0
  delayed = 0
  open = 0
  requestsInWork = 0
  bytesIn = 0
  bytesOut = 0

  constructor(listenerName: string) {
    this.listenerName = listenerName
  }

  countClose(kind: CloseKind): void {
    this.closed.set(kind, (this.closed.get(kind) ?? 0) + 1)
  }

  countRefusal(kind: RefusalKind): void {
    this.refused.set(kind, (this.refused.get(kind) ?? 0) + 1)
  }
}

export function networkMetrics(
  listeners: () => Iterable<NetworkStats>,
  memory: {
    readonly budget: { readonly used: number; readonly waiting: number; readonly evictions: number }
    readonly pool: { readonly takenBytes: number; readonly retainedBytes: number }
  },
): Metric[] {
  const perListener = (
    name: string,
    type: Metric['type'],
    help: string,
    pick: (stats: NetworkStats) => number,
  ): Metric => ({
    name,
    type,
    help,
    collect(emit) {
      for (const stats of listeners()) emit(pick(stats), { listener: stats.listenerName })
    },
  })
  const single = (name: string, type: Metric['type'], help: string, value: () => number): Metric => ({
    name,
    type,
    help,
    collect(emit) {
      emit(value())
    },
  })
  const socketServer = 'kafka_server_socket_server_metrics'
  return [
    perListener(`${socketServer}_connection_count`, 'gauge', 'Open connections.', stats => stats.open),
    perListener(
      `${socketServer}_connection_creation_total`,
      'counter',
      'Connections taken.',
      stats => stats.accepted,
    ),
    perListener(`${socketServer}_incoming_byte_total`, 'counter', 'Bytes received.', stats => stats.bytesIn),
    perListener(`${socketServer}_outgoing_byte_total`, 'counter', 'Bytes sent.', stats => stats.bytesOut),
    {
      name: 'barnabas_network_connections_closed_total',
      type: 'counter',
      help: 'Connections that ended, by reason.',
      collect(emit) {
        for (const { listenerName, closed } of listeners()) {
          for (const [reason, count] of closed) emit(count, { listener: listenerName, reason })
        }
      },
    },
    {
      name: 'barnabas_network_connections_refused_total',
      type: 'counter',
      help: 'Connections that were not taken, by the limit that was reached.',
      collect(emit) {
        for (const { listenerName, refused } of listeners()) {
          for (const [limit, count] of refused) emit(count, { listener: listenerName, limit })
        }
      },
    },
    perListener(
      'barnabas_network_connections_delayed_total',
      'counter',
      'Connections that waited because they came faster than max.connection.creation.rate.',
      stats => stats.delayed,
    ),
    {
      name: 'kafka_network_requestchannel_requestqueuesize',
      type: 'gauge',
      help: 'Requests that were started and are not answered yet.',
      collect(emit) {
        let inWork = 0
        for (const { requestsInWork } of listeners()) inWork += requestsInWork
        emit(inWork)
      },
    },
    single(
      'barnabas_network_memory_used_bytes',
      'gauge',
      'Bytes held for half-received requests, requests in work and unsent answers.',
      () => memory.budget.used,
    ),
    single(
      'barnabas_network_memory_waiting_connections',
      'gauge',
      'Connections that are not read because memory for requests is used up.',
      () => memory.budget.waiting,
    ),
    single(
      'barnabas_network_memory_evictions_total',
      'counter',
      'Connections closed because they held memory that others needed.',
      () => memory.budget.evictions,
    ),
    single(
      'barnabas_network_pool_bytes',
      'gauge',
      'Bytes of pooled buffers, in use or free.',
      () => memory.pool.takenBytes + memory.pool.retainedBytes,
    ),
  ]
}
