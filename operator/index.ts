// The only door: the resources of barnabas.dev/v1. (check-settings.ts stands beside it, as it loads a lot.)

export { formatProperties } from '../broker/config/properties.ts'
export { brokerSettingsOf } from './resources/broker-config.ts'
export type { Cluster } from './resources/cluster.ts'
export { parseDuration, parseQuantity } from './resources/field.ts'
export { notHonouredLocally } from './resources/local-run.ts'
export { formatPath, type Mistake, type Path, readResource } from './resources/read-resource.ts'
export { nameOfTopic, settingsOfTopic, type Topic } from './resources/topic.ts'
export { type SettingChange, settingChanges } from './resources/setting-changes.ts'
