import type { BrokerSettings } from '../config/broker-settings.ts'

/** What holds for one consumer group, times in milliseconds. */
export interface ConsumerSettings {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Least time between two targets. */
  readonly assignmentIntervalMs: number
  readonly maxSize: number
  readonly classicMaxSize: number
  /** The first is the default. */
  readonly assignors: readonly string[]
  readonly upgrades: boolean
  readonly downgrades: boolean
}

type Names =
  | 'group.max.size'
  | 'group.consumer.session.timeout.ms'
  | 'group.consumer.min.session.timeout.ms'
  | 'group.consumer.max.session.timeout.ms'
  | 'group.consumer.heartbeat.interval.ms'
  | 'group.consumer.min.heartbeat.interval.ms'
  | 'group.consumer.max.heartbeat.interval.ms'
  | 'group.consumer.assignment.interval.ms'
  | 'group.consumer.min.assignment.interval.ms'
  | 'group.consumer.max.assignment.interval.ms'
  | 'group.consumer.max.size'
  | 'group.consumer.assignors'
  | 'group.consumer.migration.policy'

/** The group's own settings win, inside the bounds that the broker sets. */
export function consumerSettingsFor(
  overrides: ReadonlyMap<string, string>,
  broker: Pick<BrokerSettings, Names>,
): ConsumerSettings {
  const within = (name: string, usual: number, least: number, most: number): number => {
    const own = overrides.get(name)
    return own === undefined ? usual : Math.min(Math.max(Number(own), least), most)
  }
  const policy = broker['group.consumer.migration.policy'].toLowerCase()
  return {
    sessionTimeoutMs: within(
      'consumer.session.timeout.ms',
      broker['group.consumer.session.timeout.ms'],
      broker['group.consumer.min.session.timeout.ms'],
      broker['group.consumer.max.session.timeout.ms'],
    ),
    heartbeatIntervalMs: within(
      'consumer.heartbeat.interval.ms',
      broker['group.consumer.heartbeat.interval.ms'],
      broker['group.consumer.min.heartbeat.interval.ms'],
      broker['group.consumer.max.heartbeat.interval.ms'],
    ),
    assignmentIntervalMs: within(
      'consumer.assignment.interval.ms',
      broker['group.consumer.assignment.interval.ms'],
      broker['group.consumer.min.assignment.interval.ms'],
      broker['group.consumer.max.assignment.interval.ms'],
    ),
    maxSize: broker['group.consumer.max.size'],
    classicMaxSize: broker['group.max.size'],
    assignors: broker['group.consumer.assignors'],
    upgrades: policy === 'upgrade' || policy === 'bidirectional',
    downgrades: policy === 'downgrade' || policy === 'bidirectional',
  }
}
