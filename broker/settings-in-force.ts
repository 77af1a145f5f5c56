import type { BrokerSettings } from './config/broker-settings.ts'
import { configRules } from './config/config-rules.ts'
import { DynamicBrokerSettings, type Overrides } from './config/dynamic-settings.ts'
import type { ValidSettings } from './config/load-settings.ts'
import { type TopicSettings, topicSettingsFor } from './config/topic-settings.ts'
import type { ControllerRules } from './controller/decision.ts'
import { type ConfigResourceKey, configResourceKey, configsOf, type MetadataImage } from './metadata/image.ts'

/**
 * The settings in force on this broker and of every topic: what it was started with, and over it the overrides in the
 * metadata image. Readers ask whenever they need a value and keep nothing, so a change is in effect at once.
 */
export class SettingsInForce {
  readonly dynamic: DynamicBrokerSettings
  readonly controllerRules: ControllerRules
  readonly #brokerKeys: readonly ConfigResourceKey[]
  readonly #brokerName: string
  readonly #topics = new Map<string, TopicSettings>()
  #image: MetadataImage

  constructor(loaded: ValidSettings, brokerId: number, image: MetadataImage) {
    this.#image = image
    this.#brokerName = String(brokerId)
    this.#brokerKeys = [configResourceKey('broker', ''), configResourceKey('broker', this.#brokerName)]
    this.dynamic = new DynamicBrokerSettings(loaded.settings, loaded.given)
    this.#updateBroker()
    this.controllerRules = {
      defaultPartitions: () => this.broker['num.partitions'],
      defaultReplicationFactor: () => this.broker['default.replication.factor'],
      deletesTopics: () => this.broker['delete.topic.enable'],
      balancesLeaders: () => this.broker['auto.leader.rebalance.enable'],
      leaderBalanceIntervalMs: () => this.broker['leader.imbalance.check.interval.seconds'] * 1000,
      electsUncleanly: topic => this.topic(topic)['unclean.leader.election.enable'],
      configs: configRules(() => this.broker),
    }
  }

  get broker(): BrokerSettings {
    return this.dynamic.current
  }

  /** The same object until something of the topic or the broker changes. */
  topic(name: string): TopicSettings {
    let settings = this.#topics.get(name)
    if (settings === undefined) {
      settings = topicSettingsFor(this.topicOverrides(name), this.broker)
      this.#topics.set(name, settings)
    }
    return settings
  }

  topicOverrides(name: string): Overrides {
    return configsOf(this.#image, 'topic', name)
  }

  apply(image: MetadataImage, changed: ReadonlySet<ConfigResourceKey>): void {
    this.#image = image
    // Names of topics that are gone must not gather for ever.
    if (this.#topics.size > 2 * image.topicsByName.size + 1000) this.#topics.clear()
    if (changed.size === 0) return
    if (this.#brokerKeys.some(key => changed.has(key))) this.#updateBroker()
    for (const key of changed) this.#topics.delete(key.slice(key.indexOf('/') + 1))
  }

  #updateBroker(): void {
    this.dynamic.update(
      configsOf(this.#image, 'broker', ''),
      configsOf(this.#image, 'broker', this.#brokerName),
    )
    this.#topics.clear()
  }
}
