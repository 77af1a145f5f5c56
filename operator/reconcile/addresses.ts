/** What every broker tells clients of every listener, as far as it is known. Pure. */
import type { Addresses } from '../desired/broker-settings.ts'
import { internalAddress, type Listener } from '../desired/services.ts'
import type { KubeObject } from '../resources/kube-object.ts'
import { type ClusterContext, names } from '../resources/names.ts'
import type { ObservedNode } from './observed-cluster.ts'

export interface AddressInput {
  readonly context: ClusterContext
  readonly brokers: readonly number[]
  /** Services by name, as the API server has them. */
  readonly services: ReadonlyMap<string, KubeObject>
  readonly nodes: ReadonlyMap<string, ObservedNode>
  /** Broker → what its file said of advertised listeners before. */
  readonly before: ReadonlyMap<number, string>
}

export interface DecidedAddresses {
  readonly addresses: Addresses
  /** Why some are not known, in sentences. */
  readonly missing: readonly string[]
}

export function decideAddresses(input: AddressInput): DecidedAddresses {
  const missing: string[] = []
  const addresses = new Map<number, Map<string, string>>()
  for (const id of input.brokers) {
    const byListener = new Map<string, string>()
    for (const listener of input.context.cluster.spec.listeners) {
      const address = addressOf(input, listener, id)
      if (address.known !== undefined) byListener.set(listener.name, address.known)
      else missing.push(address.missing)
    }
    addresses.set(id, byListener)
  }
  return { addresses, missing }
}

/** Where clients of a listener begin, host:port; undefined when that is not known yet. */
export function bootstrapAddress(input: AddressInput, listener: Listener): string | undefined {
  const { context, services } = input
  if (listener.type === 'Internal' || listener.type === 'ClusterIP') {
    const { namespace, clusterDomain } = context
    return `${names.bootstrap(context)}.${namespace}.svc.${clusterDomain}:${listener.port}`
  }
  const service = services.get(names.listenerBootstrap(context, listener.name))
  if (listener.type === 'LoadBalancer') {
    const host = balancerHost(service)
    return host === undefined ? undefined : `${host}:${listener.port}`
  }
  const host = nodeHost(input, 0, undefined)
  const port = nodePort(service)
  return host === undefined || port === undefined ? undefined : `${host}:${port}`
}

type Address = { readonly known: string } | { readonly known?: undefined; readonly missing: string }

function addressOf(input: AddressInput, listener: Listener, id: number): Address {
  const { context, services } = input
  const { hostTemplate, portTemplate } = listener.advertised ?? {}
  const fill = (template: string): string => template.replaceAll('{id}', String(id))
  const serviceName = names.listenerBroker(context, listener.name, id)
  const service = services.get(serviceName)
  const givenHost = hostTemplate === undefined ? undefined : fill(hostTemplate)
  const givenPort = portTemplate === undefined ? undefined : fill(portTemplate)
  switch (listener.type) {
    case 'Internal':
    case 'ClusterIP':
    case 'TLSRoute': {
      const [host, port] = splitAddress(internalAddress(context, listener, id))
      return { known: `${givenHost ?? host}:${givenPort ?? port}` }
    }
    case 'NodePort': {
      const port = givenPort ?? nodePort(service)
      if (port === undefined) return { missing: `Service ${serviceName} has no port on the nodes yet.` }
      const host = givenHost ?? nodeHost(input, id, listener)
      if (host === undefined) {
        return {
          missing: `No node tells an address for listener ${listener.name}; give advertised.hostTemplate.`,
        }
      }
      return { known: `${host}:${port}` }
    }
    case 'LoadBalancer': {
      const host = givenHost ?? balancerHost(service)
      if (host === undefined)
        return { missing: `Service ${serviceName} has no address from a load balancer yet.` }
      return { known: `${host}:${givenPort ?? listener.port}` }
    }
  }
}

function splitAddress(address: string): readonly [host: string, port: string] {
  const colon = address.lastIndexOf(':')
  return [address.slice(0, colon), address.slice(colon + 1)]
}

/** Any node leads to every broker. The one told before stays as long as it is there, so that brokers need no restart. */
function nodeHost(
  { nodes, before }: AddressInput,
  id: number,
  listener: Listener | undefined,
): string | undefined {
  const hosts = [...nodes.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ addresses }) => addresses[0] ?? [])
  if (listener !== undefined) {
    const told = before.get(id)?.split(',') ?? []
    const mine = told.find(each => each.startsWith(`${listener.name.toUpperCase()}://`))
    const host = mine === undefined ? undefined : splitAddress(mine.slice(mine.indexOf('://') + 3))[0]
    if (host !== undefined && hosts.includes(host)) return host
  }
  return hosts[id % Math.max(1, hosts.length)]
}

function nodePort(service: KubeObject | undefined): number | undefined {
  const { ports } = (service?.spec ?? {}) as { readonly ports?: readonly { readonly nodePort?: number }[] }
  return ports?.[0]?.nodePort
}

function balancerHost(service: KubeObject | undefined): string | undefined {
  const { loadBalancer } = (service?.status ?? {}) as {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[]
    }
  }
  const first = loadBalancer?.ingress?.[0]
  return first?.hostname ?? first?.ip
}
