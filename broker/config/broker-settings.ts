/** Every setting of a broker, and the type of the object that holds their values. Declared by subject next door. */
import { groupCoordinatorSettings } from './group-coordinator-settings.ts'
import { kraftSettings } from './kraft-settings.ts'
import { logSettings } from './log-settings.ts'
import { ownSettings } from './own-settings.ts'
import { quotaSettings } from './quota-settings.ts'
import { replicationSettings } from './replication-settings.ts'
import { securitySettings } from './security-settings.ts'
import { serverSettings } from './server-settings.ts'
import type { ValuesOf } from './setting-types.ts'
import { shareGroupSettings } from './share-group-settings.ts'
import { tieredStorageSettings } from './tiered-storage-settings.ts'
import { transactionSettings } from './transaction-settings.ts'

export const brokerSettingTable = {
  ...serverSettings,
  ...logSettings,
  ...replicationSettings,
  ...groupCoordinatorSettings,
  ...shareGroupSettings,
  ...transactionSettings,
  ...quotaSettings,
  ...securitySettings,
  ...kraftSettings,
  ...tieredStorageSettings,
  ...ownSettings,
}

/** The values in force, keyed by Kafka's names. Immutable; a dynamic change makes a new object. */
export type BrokerSettings = ValuesOf<typeof brokerSettingTable>
export type BrokerSettingName = keyof BrokerSettings

export function isBrokerSetting(name: string): name is BrokerSettingName {
  return Object.hasOwn(brokerSettingTable, name)
}

/** Every setting at its default. */
export const defaultBrokerSettings: BrokerSettings = Object.freeze(
  Object.fromEntries(Object.entries(brokerSettingTable).map(([name, setting]) => [name, setting.default])),
) as BrokerSettings
