/**
 * The settings that a manifest gives by Kafka's names, checked as the broker checks them, so that nothing is started or
 * asked for that would be refused. Apart from read-resource.ts, because it needs the tables of all settings.
 */
import { defaultBrokerSettings } from '../../broker/config/broker-settings.ts'
import { configRules } from '../../broker/config/config-rules.ts'
import { loadBrokerSettings } from '../../broker/config/load-settings.ts'
import type { Cluster } from './cluster.ts'
import type { Mistake } from './read-resource.ts'
import { settingsOfTopic, type Topic } from './topic.ts'

/** Of spec.config; other settings of the brokers follow from fields that were checked. */
export function checkClusterSettings({ spec }: Cluster): readonly Mistake[] {
  const loaded = loadBrokerSettings({ manifest: spec.config })
  if (loaded.kind === 'valid') return []
  return loaded.mistakes.map(mistake => {
    const sentence = mistake.replace('config of the manifest: ', '')
    const name = /^([a-z0-9.]+): /.exec(sentence)?.[1]
    if (name !== undefined && Object.hasOwn(spec.config, name)) {
      return { path: ['spec', 'config', name], sentence: sentence.slice(name.length + 2) }
    }
    const invalid = /^Invalid value .* for configuration ([^:]+): /.exec(sentence)?.[1]
    return { path: invalid === undefined ? ['spec', 'config'] : ['spec', 'config', invalid], sentence }
  })
}

export function checkTopicSettings(topic: Topic): readonly Mistake[] {
  const rules = configRules(() => defaultBrokerSettings)
  return [...settingsOfTopic(topic)].flatMap(([name, value]) => {
    const mistake = rules.findMistake({ type: 'topic', name: '' }, new Map([[name, value]]))
    return mistake === null ? [] : [{ path: ['spec', 'config', name], sentence: mistake }]
  })
}
