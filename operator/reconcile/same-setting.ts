/** Brokers tell a value as they write it, which need not be how it was given. Pure. */
import { brokerSettingTable, isBrokerSetting } from '../../broker/config/broker-settings.ts'
import { parseValue } from '../../broker/config/parse-value.ts'
import type { Setting } from '../../broker/config/setting-types.ts'
import { topicSettingTable } from '../../broker/config/topic-settings.ts'
import type { SameSetting } from '../resources/setting-changes.ts'

export const isSameTopicSetting: SameSetting = (name, one, other) =>
  isSame(name, Object.hasOwn(topicSettingTable, name) ? topicSettings[name] : undefined, one, other)

export const isSameBrokerSetting: SameSetting = (name, one, other) =>
  isSame(name, isBrokerSetting(name) ? brokerSettingTable[name] : undefined, one, other)

const topicSettings: Readonly<Record<string, Setting<unknown>>> = topicSettingTable

function isSame(name: string, setting: Setting<unknown> | undefined, one: string, other: string): boolean {
  if (one === other) return true
  if (setting === undefined) return false
  const [a, b] = [one, other].map(text => parseValue(name, setting, text))
  if (a?.mistake !== undefined || b?.mistake !== undefined) return false
  return JSON.stringify(a?.value) === JSON.stringify(b?.value)
}
