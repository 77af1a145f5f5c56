import type { ClientSoftware } from '../api/request-context.ts'
import type { Metric } from '../metrics/metrics.ts'

/** Clients choose what they call themselves: connections of more kinds than this, on one listener, are counted together. */
const mostKinds = 100
const unknown: ClientSoftware = { name: 'unknown', version: 'unknown' }
const other: ClientSoftware = { name: 'other', version: 'other' }

interface ListenerConnections {
  readonly name: string
  readonly connections: Iterable<{ readonly clientSoftware: ClientSoftware | undefined }>
}

/** Open connections by what clients told in ApiVersions (KIP-511), as Kafka's socket-server-metrics have them. */
export function clientSoftwareMetric(listeners: () => Iterable<ListenerConnections>): Metric {
  return {
    name: 'kafka_server_socket_server_metrics_connections',
    type: 'gauge',
    help: "Open connections by the client's software. unknown: it did not tell; other: beyond the first 100 kinds.",
    collect(emit) {
      for (const { name: listener, connections } of listeners()) {
        for (const { software, open } of counted(connections)) {
          const { name, version } = software
          emit(open, { listener, client_software_name: name, client_software_version: version })
        }
      }
    },
  }
}

function counted(
  connections: ListenerConnections['connections'],
): Iterable<{ readonly software: ClientSoftware; readonly open: number }> {
  const kinds = new Map<string, { readonly software: ClientSoftware; open: number }>()
  for (const { clientSoftware = unknown } of connections) {
    const software = kinds.has(keyOf(clientSoftware)) || kinds.size < mostKinds ? clientSoftware : other
    const kind = kinds.get(keyOf(software))
    if (kind === undefined) kinds.set(keyOf(software), { software, open: 1 })
    else kind.open++
  }
  return kinds.values()
}

function keyOf({ name, version }: ClientSoftware): string {
  return `${name} ${version}`
}
