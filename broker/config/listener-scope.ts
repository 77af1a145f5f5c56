/**
 * Settings for one listener: `listener.name.<listener>.<setting>`, and for one mechanism of it
 * `listener.name.<listener>.<mechanism>.<setting>`.
 */
import { isBrokerSetting } from './broker-settings.ts'

export interface ScopedSetting {
  /** Lower case. */
  readonly listener: string
  /** SASL mechanism in lower case, for the few settings that may differ by it. */
  readonly mechanism: string | undefined
  /** The setting itself. */
  readonly name: string
}

const byMechanism = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
]

/** The parts of a scoped name; undefined when it is none, or of no setting we know. */
export function splitScoped(name: string): ScopedSetting | undefined {
  const match = /^listener\.name\.([^.]+)\.(.+)$/.exec(name)
  if (match === null) return undefined
  const [, listener = '', rest = ''] = match
  if (isBrokerSetting(rest)) return { listener: listener.toLowerCase(), mechanism: undefined, name: rest }
  const setting = byMechanism.find(candidate => rest.endsWith(`.${candidate}`))
  if (setting === undefined) return undefined
  const mechanism = rest.slice(0, -setting.length - 1)
  return { listener: listener.toLowerCase(), mechanism: mechanism.toLowerCase(), name: setting }
}
