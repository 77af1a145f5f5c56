import { expect, test } from 'vitest'
import { brokerSettingTable, defaultBrokerSettings } from '../../../broker/config/broker-settings.ts'
import { groupSettings, groupSynonyms } from '../../../broker/config/group-settings.ts'
import { ownSettings } from '../../../broker/config/own-settings.ts'
import { formatValue, parseValue } from '../../../broker/config/parse-value.ts'
import type { SettingTable } from '../../../broker/config/setting-types.ts'
import { topicSettingTable, topicSynonyms } from '../../../broker/config/topic-settings.ts'

const tables: [string, SettingTable][] = [
  ['broker', brokerSettingTable],
  ['topic', topicSettingTable],
  ['group', groupSettings],
]

test('all settings of Kafka 4.3.1 are there', () => {
  expect(Object.keys(brokerSettingTable)).toHaveLength(343 + Object.keys(ownSettings).length)
  // barnabas.owner is ours.
  expect(Object.keys(topicSettingTable)).toHaveLength(33 + 1)
  expect(Object.keys(groupSettings)).toHaveLength(17)
})

test.each(tables)(
  'every default of the %s settings is allowed and is shown as it is read',
  (_name, table) => {
    for (const [name, setting] of Object.entries(table)) {
      const text = formatValue(setting.type, setting.default)
      if (text === null) continue
      expect(parseValue(name, setting, text), name).toEqual({ mistake: undefined, value: setting.default })
    }
  },
)

test.each(tables)('every one of the %s settings says what it does in a sentence', (_name, table) => {
  for (const [name, { sentence }] of Object.entries(table)) expect(sentence, name).toMatch(/^.{5,}\.$/)
})

test('values have the type that their default shows', () => {
  const partitions: number = defaultBrokerSettings['num.partitions']
  const directories: readonly string[] | null = defaultBrokerSettings['log.dirs']
  const type: 'CreateTime' | 'LogAppendTime' = defaultBrokerSettings['log.message.timestamp.type']
  expect([partitions, directories, type]).toEqual([1, null, 'CreateTime'])
})

test('a setting of a topic or a group has the default of the broker setting that it follows', () => {
  for (const [name, synonyms] of Object.entries(topicSynonyms)) {
    const own = topicSettingTable[name as keyof typeof topicSettingTable]
    if (synonyms.length > 1) continue
    expect(brokerSettingTable[synonyms[0] ?? 'num.partitions'].default, name).toEqual(own.default)
  }
  for (const [name, synonym] of Object.entries(groupSynonyms)) {
    expect(brokerSettingTable[synonym].default, name).toEqual(
      groupSettings[name as keyof typeof groupSettings].default,
    )
  }
})
