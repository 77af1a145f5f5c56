/**
 * The addresses that a broker binds and those it tells its clients, out of `listeners`, `advertised.listeners`,
 * `listener.security.protocol.map` and the two settings that name the listener between brokers.
 *
 * Listeners of KRaft's controller (`controller.listener.names`) are left out: there is no such process here.
 */
import type { BrokerSettings } from './broker-settings.ts'

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export interface Listener {
  /** Upper case. */
  readonly name: string
  /** Empty: every address of the machine (bound), or the machine's name (advertised). */
  readonly host: string
  /** 0: any free port (bound), or the one bound (advertised). */
  readonly port: number
  readonly securityProtocol: SecurityProtocol
}

export interface Listeners {
  readonly bound: readonly Listener[]
  /** A subset of the bound ones by name, in their order. */
  readonly advertised: readonly Listener[]
  /** Name of the one that brokers use among themselves. */
  readonly interBroker: string
}

const protocols: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** The listeners, and every mistake in the settings that describe them, each a sentence that begins with the setting. */
export function readListeners(
  settings: BrokerSettings,
  isGiven: (name: string) => boolean = () => false,
): { readonly listeners: Listeners; readonly mistakes: readonly string[] } {
  const mistakes: string[] = []
  const protocolOf = readProtocolMap(settings, mistakes)
  const controllerNames = new Set(settings['controller.listener.names'].map(name => name.toUpperCase()))

  const read = (setting: 'listeners' | 'advertised.listeners', entries: readonly string[]): Listener[] =>
    entries.flatMap(entry => {
      const address = parseAddress(entry)
      if (address === undefined) {
        mistakes.push(
          `${setting}: '${entry}' is not a listener; write it as NAME://host:port, for example PLAINTEXT://localhost:9092.`,
        )
        return []
      }
      const securityProtocol = protocolOf.get(address.name)
      if (securityProtocol !== undefined) return [{ ...address, securityProtocol }]
      if (controllerNames.has(address.name)) return [{ ...address, securityProtocol: 'PLAINTEXT' as const }]
      mistakes.push(
        `${setting}: the listener ${address.name} has no security protocol; add ${address.name}:PLAINTEXT to listener.security.protocol.map.`,
      )
      return []
    })

  const all = read('listeners', settings.listeners)
  checkDistinct(all, mistakes)
  const bound = all.filter(listener => !controllerNames.has(listener.name))
  if (bound.length === 0 && mistakes.length === 0) {
    mistakes.push('listeners: there is none for clients; add one, for example PLAINTEXT://:9092.')
  }
  for (const { name, securityProtocol } of bound) {
    if (securityProtocol === 'PLAINTEXT') continue
    mistakes.push(
      `listeners: the listener ${name} asks for ${securityProtocol}, which this version does not serve yet; map it to PLAINTEXT in listener.security.protocol.map, or remove it.`,
    )
  }

  const given = settings['advertised.listeners']
  const advertised =
    given === null
      ? bound.map(listener => (isEveryAddress(listener.host) ? { ...listener, host: '' } : listener))
      : checkAdvertised(read('advertised.listeners', given), { bound, controllerNames }, mistakes)
  const interBroker = chooseInterBroker(settings, advertised, isGiven, mistakes)
  return { listeners: { bound, advertised, interBroker }, mistakes }
}

/** NAME://host:port; the host may be empty or an IPv6 address in brackets. */
export function parseAddress(entry: string): { name: string; host: string; port: number } | undefined {
  const match = /^([A-Za-z0-9_-]+):\/\/(?:\[([0-9A-Fa-f:.%]+)\]|([^:/[\]]*)):(\d{1,5})$/.exec(entry)
  if (match === null) return undefined
  const [, name = '', ipv6, host, port] = match
  if (Number(port) > 65_535) return undefined
  return { name: name.toUpperCase(), host: ipv6 ?? host ?? '', port: Number(port) }
}

function readProtocolMap(settings: BrokerSettings, mistakes: string[]): Map<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>()
  for (const pair of settings['listener.security.protocol.map'].split(',')) {
    const [name = '', protocol = '', ...more] = pair.split(':').map(part => part.trim().toUpperCase())
    if (name === '' && protocol === '') continue
    if (name === '' || more.length > 0 || !protocols.includes(protocol)) {
      mistakes.push(
        `listener.security.protocol.map: '${pair.trim()}' is not NAME:PROTOCOL with one of ${protocols.join(', ')}.`,
      )
      continue
    }
    if (map.has(name)) mistakes.push(`listener.security.protocol.map: ${name} is there twice.`)
    map.set(name, protocol as SecurityProtocol)
  }
  return map
}

function checkDistinct(listeners: readonly Listener[], mistakes: string[]): void {
  const names = new Set<string>()
  const ports = new Map<number, Listener>()
  for (const listener of listeners) {
    const { name, port } = listener
    if (names.has(name))
      mistakes.push(`listeners: the name ${name} is used twice; give each listener its own.`)
    names.add(name)
    const other = ports.get(port)
    // One may listen on IPv4 and another on IPv6 with the same port.
    if (port !== 0 && other !== undefined && isIpv6(other) === isIpv6(listener)) {
      mistakes.push(
        `listeners: ${other.name} and ${name} both want port ${port}; give each listener its own port.`,
      )
    }
    ports.set(port, listener)
  }
}

function isIpv6(listener: Listener): boolean {
  return listener.host.includes(':')
}

export function isEveryAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

function checkAdvertised(
  listeners: readonly Listener[],
  known: { bound: readonly Listener[]; controllerNames: ReadonlySet<string> },
  mistakes: string[],
): Listener[] {
  const names = new Set<string>()
  for (const { name, host } of listeners) {
    if (known.controllerNames.has(name)) continue
    if (names.has(name)) mistakes.push(`advertised.listeners: ${name} is there twice.`)
    names.add(name)
    if (!known.bound.some(bound => bound.name === name)) {
      mistakes.push(`advertised.listeners: there is no ${name} in listeners; add it there or remove it here.`)
    }
    if (host === '0.0.0.0' || host === '::') {
      mistakes.push(
        `advertised.listeners: clients cannot connect to ${host}; give ${name} the host name or address that they reach this broker by.`,
      )
    }
  }
  return known.bound.flatMap(({ name }) => listeners.find(listener => listener.name === name) ?? [])
}

function chooseInterBroker(
  settings: BrokerSettings,
  advertised: readonly Listener[],
  isGiven: (name: string) => boolean,
  mistakes: string[],
): string {
  const asked = settings['inter.broker.listener.name']
  if (asked !== null && isGiven('security.inter.broker.protocol')) {
    mistakes.push(
      'inter.broker.listener.name: it and security.inter.broker.protocol say the same thing; keep only this one.',
    )
  }
  const name = (asked ?? settings['security.inter.broker.protocol']).toUpperCase()
  if (advertised.some(listener => listener.name === name)) return name
  const isAsked = asked !== null || isGiven('security.inter.broker.protocol')
  // Nobody said which: with no listener called PLAINTEXT the first one serves brokers too.
  if (!isAsked) return advertised[0]?.name ?? name
  const setting = asked === null ? 'security.inter.broker.protocol' : 'inter.broker.listener.name'
  const names = advertised.map(listener => listener.name).join(', ')
  mistakes.push(
    `${setting}: there is no listener ${name} that is advertised; choose one of ${names === '' ? 'those in listeners' : names}.`,
  )
  return name
}
