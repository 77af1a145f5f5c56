import type { BrokerSettings } from '../config/broker-settings.ts'
import type { ConsumerCommands } from './consumer-commands.ts'

/** The settings that groups go by. */
export type GroupSettings = Pick<
  BrokerSettings,
  | 'group.min.session.timeout.ms'
  | 'group.max.session.timeout.ms'
  | 'group.initial.rebalance.delay.ms'
  | 'group.max.size'
  | 'offset.metadata.max.bytes'
  | 'offsets.retention.minutes'
  | 'offsets.retention.check.interval.ms'
>

/** What decisions depend on besides the state. */
export interface Now {
  /** Wall clock. */
  readonly nowMs: number
  readonly settings: GroupSettings
}

/** Where decisions get it from that are made later, when a timer goes off. */
export interface GroupParts {
  readonly now: () => Now
  /** The machine of consumer groups. */
  readonly consumers: ConsumerCommands
}
